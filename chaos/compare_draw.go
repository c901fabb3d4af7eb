package chaos

import (
	"fmt"
	"io"
	"math"
	"time"

	"axolotl/internal/term"
)

// Draw writes the comparison for a person: the times of both, and whether they
// differ by more than noise.
func (c *Comparison) Draw(w io.Writer) error {
	d := &drawing{w: w}
	for _, side := range []struct {
		name string
		CompareSide
	}{{"A", c.A}, {"B", c.B}} {
		d.line("%s  %d of %d trials of %s: %s", side.name, len(side.Trials), c.Asked, side.Experiment, side.Title)
	}
	mark := ""
	if c.Restored {
		mark = ", each trial from the same snapshot"
	}
	if c.Simulated {
		mark += "   SIMULATED: no container ran"
	}
	d.line("   by turns on cluster %s (driver %s)%s", c.Cluster, c.Driver, mark)
	d.line("")
	if d.err != nil {
		return d.err
	}
	rows := [][]string{}
	for _, t := range c.Times {
		rows = append(rows, []string{t.Name, secondsOrUnknown(middle(t.A)), secondsOrUnknown(middle(t.B)), change(PhaseDiff{A: middle(t.A), B: middle(t.B), Diff: t.Diff}),
			number(t.P, "%.2g"), number(t.Effect, "%.2f"), noise(t)})
	}
	if err := term.Table(w, []string{"", "A MEDIAN", "B MEDIAN", "B - A", "P", "EFFECT", ""}, rows); err != nil {
		return err
	}
	d.line("")
	d.line("%s", c.answer())
	for _, side := range []CompareSide{c.A, c.B} {
		for _, t := range side.Trials {
			if !t.Verdict.Passed() {
				d.line("run %s of %s: %s: %s", t.ID, side.Experiment, t.Verdict, t.Reason)
			}
		}
	}
	return d.err
}

// answer says in a sentence whether B is slower or faster.
func (c *Comparison) answer() string {
	if len(c.Times) == 0 || c.Times[0].Name != healedAfter || c.Times[0].P == nil {
		return "nothing can be said: no trial of one of them has told how long it took"
	}
	t := c.Times[0]
	if few := min(len(t.A.Values), len(t.B.Values)); !t.Differs && few < MinCompareTrials {
		return fmt.Sprintf("nothing can be said: of %d trials none can differ by more than noise; take %d of each at least", few, MinCompareTrials)
	}
	if !t.Differs {
		return fmt.Sprintf("No more than noise: so much of a difference comes by chance with p = %.2g (Mann-Whitney U, two-sided; %.2g would do).", *t.P, compareLevel)
	}
	word, share := "slower", *t.Effect
	if share < 0.5 {
		word, share = "faster", 1-share
	}
	return fmt.Sprintf("B is %s, by more than noise: p = %.2g (Mann-Whitney U, two-sided). Of one trial of each, that of B is %s in %.0f %% (%s effect).",
		word, *t.P, word, 100*share, effectWord(share))
}

// effectWord is how much an effect is, by the bounds of Vargha and Delaney (A
// Critique and Improvement of the CL Common Language Effect Size, 2000).
func effectWord(share float64) string {
	switch far := math.Max(share, 1-share); {
	case far >= 0.71:
		return "large"
	case far >= 0.64:
		return "medium"
	case far >= 0.56:
		return "small"
	}
	return "negligible"
}

func middle(s *Stats) *time.Duration {
	if s == nil {
		return nil
	}
	return &s.Median
}

func number(value *float64, format string) string {
	if value == nil {
		return ""
	}
	return fmt.Sprintf(format, *value)
}

func noise(t ComparedTime) string {
	switch {
	case t.P == nil:
		return ""
	case t.Differs:
		return "differs"
	}
	return "noise"
}
