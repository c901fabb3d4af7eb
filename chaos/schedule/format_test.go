package schedule

import (
	"testing"

	"axolotl/internal/strictyaml/formattest"
)

func TestFormat(t *testing.T) {
	format := formattest.Format{Comments: comments(), Sources: []string{"."}, Reference: FileFormat(), Schema: FileSchema()}
	format.Check(t, []string{
		"## Schedule\n\n",
		"- `zone` (text): Zone is where Cron is read",
		"- `concurrency` (forbid | queue): ",
		"## Span\n\n",
	}, []string{
		`"title":"axolotl schedule"`,
		`"enum":["forbid","queue"]`,
	})
}
