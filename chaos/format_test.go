package chaos

import (
	"testing"

	"axolotl/internal/strictyaml/formattest"
)

func TestFormat(t *testing.T) {
	format := formattest.Format{Comments: comments(), Sources: []string{"."}, Reference: FileFormat(), Schema: FileSchema()}
	format.Check(t, []string{
		"## Experiment\n\n",
		"- `target` (Target, required): what is broken",
		"## Guards\n\n",
		"- `optional` (true or false): the experiment goes on",
	}, []string{
		`"title":"axolotl experiment"`,
		`"$ref":"#/$defs/Experiment"`,
	})
}
