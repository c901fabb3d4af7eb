package chaos

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"axolotl/internal/term"
)

// RunsKind marks the JSON form of what several experiments have shown.
const RunsKind = "ChaosRuns"

// Runs is what several experiments have shown, one after another.
type Runs struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Asked      int       `json:"asked"` // fewer have run where they were ended early
	Runs       []*Report `json:"runs"`
}

// RunAll runs experiments one after another. It ends early when ctx ends, when the
// cluster is taken down, or where the fault of one could not be undone: what the
// next would show would be of that.
func (r *Runner) RunAll(ctx context.Context, experiments []*Experiment) *Runs {
	all := &Runs{APIVersion: APIVersion, Kind: RunsKind, Asked: len(experiments)}
	for i, e := range experiments {
		r.Progress.Line("experiment %d of %d: %s", i+1, len(experiments), e.Name)
		report := r.Run(ctx, e)
		all.Runs = append(all.Runs, report)
		r.Progress.Line("%s: %s", e.Name, report.outcome())
		if ctx.Err() != nil || report.told || report.Verdict == UndoFailed || r.Handle.Cluster.Gone() != nil {
			break
		}
	}
	return all
}

// failed are the runs that did not end as their experiments want them to, but
// for those that this cluster cannot give.
func (rs *Runs) failed() []*Report {
	return slices.DeleteFunc(slices.Clone(rs.Runs), func(p *Report) bool { return p.Passed() || p.Verdict == Skipped })
}

// Err is nil where every run that was asked for has ended as its experiment wants it
// to, or was skipped beside others that were not. Its exit code is that of the worst:
// of an undo that failed, else of the first one.
func (rs *Runs) Err() error {
	failed := rs.failed()
	if len(failed) == 0 {
		if err := endedEarly(len(rs.Runs), rs.Asked, "experiments"); err != nil {
			return err
		}
		if slices.ContainsFunc(rs.Runs, func(p *Report) bool { return p.Verdict != Skipped }) {
			return nil
		}
		return &VerdictError{Verdict: Skipped, Reason: "nothing was run"}
	}
	worst := failed[0]
	var words []string
	for _, p := range failed {
		words = append(words, fmt.Sprintf("%s (%s)", p.Experiment, p.Verdict))
		if p.Verdict == UndoFailed {
			worst = p
		}
	}
	return &VerdictError{Verdict: worst.Verdict, code: worst.ExitCode, Reason: fmt.Sprintf("%d of %d experiments did not end as they should: %s; 'axolotl chaos report RUN' tells more",
		len(failed), rs.Asked, strings.Join(words, ", "))}
}

// Draw writes a line for each run, for a person, and the reasons of those that
// did not end as they should.
func (rs *Runs) Draw(w io.Writer) error {
	var rows [][]string
	for _, p := range rs.Runs {
		healed, gap, lost := "", "", ""
		if p.HealedAfter != nil {
			healed = term.Seconds(*p.HealedAfter)
		}
		if c := p.Client; c != nil {
			gap, lost = term.Seconds(c.LongestGap), fmt.Sprintf("%d of %d", c.Failed, c.Sent)
		}
		rows = append(rows, []string{p.Experiment, string(p.Verdict), healed, gap, lost, term.Seconds(p.Took), p.ID})
	}
	if err := term.Table(w, []string{"EXPERIMENT", "VERDICT", "HEALED AFTER", "NO ANSWER FOR", "REQUESTS LOST", "TIME", "RUN"}, rows); err != nil {
		return err
	}
	for _, p := range rs.Runs {
		if p.Passed() {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s: %s: %s\n", term.Escape(p.Experiment), p.Verdict, term.Escape(p.Reason)); err != nil {
			return err
		}
	}
	return nil
}
