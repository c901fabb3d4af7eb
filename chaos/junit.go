package chaos

import (
	"io"
	"strings"

	"axolotl/internal/report"
)

// WriteJUnit writes reports in the form that CI systems read, a case each.
func WriteJUnit(w io.Writer, reports ...*Report) error {
	var suites []report.Suite
	for _, p := range reports {
		var drawn strings.Builder
		if err := p.Draw(&drawn); err != nil {
			return err
		}
		c := report.Case{Name: p.Experiment, Class: "axolotl.chaos." + p.Cluster, Took: p.Took}
		switch {
		case p.Verdict == Skipped:
			c.Skipped = p.Reason
		case !p.Passed():
			c.Failure, c.Detail = string(p.Verdict)+": "+p.Reason, drawn.String()
		default:
			c.Output = drawn.String()
		}
		suites = append(suites, report.Suite{Name: "chaos " + p.Experiment, Started: p.Started, Took: p.Took, Cases: []report.Case{c}})
	}
	return report.WriteJUnit(w, suites...)
}
