package fault

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"axolotl/internal/strictyaml"
)

//go:generate go run axolotl/internal/strictyaml/gocomments/write .

//go:embed comments.json
var commentsFile []byte

// comments are what the sources of this package say of faults' settings.
func comments() strictyaml.Comments { return strictyaml.ParseComments(commentsFile) }

// Setting is one of a fault's settings, as a file has it.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"` // as YAML; empty for what is left out
	About string `json:"about"`
}

// SettingsOf tells what settings a fault has, and what they are set to.
func SettingsOf(f Fault) ([]Setting, error) {
	var all []Setting
	for _, field := range strictyaml.Fields(Settings(f), comments()) {
		value, err := yaml.Marshal(field.Value)
		if err != nil {
			return nil, fmt.Errorf("setting %s of fault %s: %w", field.Name, f.Name(), err)
		}
		text := strings.TrimSuffix(string(value), "\n")
		if text == "null" {
			text = ""
		}
		all = append(all, Setting{field.Name, text, field.Said})
	}
	return all, nil
}

// SettingLines are settings as they stand in a file, each with a comment on what it
// means.
func SettingLines(all []Setting) []string {
	width := 0
	for _, s := range all {
		width = max(width, len(s.Name+": "+s.Value))
	}
	var lines []string
	for _, s := range all {
		lines = append(lines, fmt.Sprintf("%-*s # %s", width, s.Name+": "+s.Value, s.About))
	}
	return lines
}
