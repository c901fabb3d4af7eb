package labs

import (
	"cmp"
	"io"
	"strings"
	"time"

	"axolotl/internal/report"
)

// WriteJUnit writes results in the form that CI systems read: a suite a lab, a
// case a step. A lab that was skipped, or failed before its first step, has
// one case of its own name.
func WriteJUnit(w io.Writer, results []Result) error {
	var suites []report.Suite
	for _, result := range results {
		suites = append(suites, suite(result))
	}
	return report.WriteJUnit(w, suites...)
}

func suite(result Result) report.Suite {
	s := report.Suite{Name: "lab " + result.Lab, Started: result.Started, Took: took(result.Seconds)}
	if result.Outcome == Skipped || result.Outcome != Passed && !reached(result) {
		whole := StepResult{Name: result.Lab, Outcome: result.Outcome, Problem: &Problem{Message: result.Reason}}
		s.Cases = append(s.Cases, stepCase(result, whole))
	}
	for _, step := range result.Steps {
		s.Cases = append(s.Cases, stepCase(result, step))
	}
	return s
}

func stepCase(result Result, step StepResult) report.Case {
	c := report.Case{Name: step.Name, Class: "axolotl.lab." + result.Lab, Took: took(step.Seconds)}
	switch step.Outcome {
	case Passed:
	case Skipped:
		c.Skipped = step.Problem.Message
	case NotReached:
		c.Skipped = "an earlier step did not pass"
	default:
		lines := append([]string{"expected: " + step.Problem.Expected}, step.Problem.Seen...)
		for _, evidence := range step.Evidence {
			lines = append(lines, "", string(evidence.Kind)+":", evidence.Text)
		}
		c.Failure, c.Detail = cmp.Or(step.Problem.Message, string(step.Outcome)), strings.Join(lines, "\n")
	}
	return c
}

// reached says whether any step was begun.
func reached(result Result) bool {
	return len(result.Steps) > 0 && result.Steps[0].Outcome != NotReached
}

func took(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
