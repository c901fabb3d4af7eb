package schedule

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
		t.Error("comments.json is not what the sources say: run go generate ./chaos/schedule")
	}
	format := FileFormat()
	for _, want := range []string{"## Schedule\n\n", "- `zone` (text): Zone is where Cron is read", "- `concurrency` (forbid | queue): ", "## Span\n\n"} {
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
	for _, want := range []string{`"title":"axolotl schedule"`, `"enum":["forbid","queue"]`} {
		if !strings.Contains(string(schema), want) {
			t.Errorf("no %s in %s", want, schema)
		}
	}
}
