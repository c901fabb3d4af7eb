package cluster

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"

	"axolotl/internal/strictyaml/gocomments"
)

// The reference and the schema say what the sources say now, of every field.
func TestFormatIsThatOfTheSources(t *testing.T) {
	read, err := gocomments.Read(".", "..")
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(read, comments()) {
		t.Error("comments.json is not what the sources say: run go generate ./vm/cluster")
	}
	format := FileFormat()
	for _, want := range []string{"## File\n\n", "- `driver` (text): Driver makes the machines", "## ControlPlane\n\n", "- `cpus` (number): virtual processors", "- `effect` (NoSchedule | PreferNoSchedule | NoExecute, required): on pods"} {
		if !strings.Contains(format, want) {
			t.Errorf("no %q in:\n%s", want, format)
		}
	}
	for _, bare := range regexp.MustCompile("(?m)^- .*\\)$").FindAllString(format, -1) {
		t.Errorf("nothing is said of a field: %s", bare)
	}
	schema, err := json.Marshal(FileSchema())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"title":"axolotl cluster"`, `"maxPods":{"description":"that run on a node","type":"integer"}`, `"$ref":"#/$defs/Workers"`} {
		if !strings.Contains(string(schema), want) {
			t.Errorf("no %s in %s", want, schema)
		}
	}
}
