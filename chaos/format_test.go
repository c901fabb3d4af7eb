package chaos

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
	read, err := gocomments.Read(".")
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(read, comments()) {
		t.Error("comments.json is not what the sources say: run go generate ./chaos")
	}
	format := FileFormat()
	for _, want := range []string{"## Experiment\n\n", "- `target` (Target, required): what is broken", "## Guards\n\n", "- `optional` (true or false): the experiment goes on"} {
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
	for _, want := range []string{`"title":"axolotl experiment"`, `"$ref":"#/$defs/Experiment"`} {
		if !strings.Contains(string(schema), want) {
			t.Errorf("no %s in %s", want, schema)
		}
	}
}
