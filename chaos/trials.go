package chaos

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
	"axolotl/internal/term"
)

// TrialsKind marks the JSON form of what several runs have shown.
const TrialsKind = "ChaosTrials"

// Trials is what several runs of an experiment have shown.
type Trials struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Experiment string  `json:"experiment"`
	Cluster    string  `json:"cluster"`
	Driver     string  `json:"driver"`
	Simulated  bool    `json:"simulated"`
	Asked      int     `json:"asked"` // fewer have run where one could not, or could not be undone
	Trials     []Trial `json:"trials"`

	// HealedAfter is of the trials that healed, also late.
	HealedAfter *Stats `json:"healedAfter,omitempty"`
	// Phases are, for each milestone, of the longest phase of a trial.
	Phases []PhaseStats `json:"phases,omitempty"`
	// Outage is of the longest time without an answer, where a client was
	// played.
	Outage *Stats `json:"outage,omitempty"`
}

// Trial is one run of several.
type Trial struct {
	ID          string         `json:"id"`
	Seed        uint64         `json:"seed"`
	Verdict     Verdict        `json:"verdict"`
	Reason      string         `json:"reason,omitempty"`
	HealedAfter *time.Duration `json:"healedAfterNs,omitempty"`
}

// Stats sums up times. Median and P95 are nearest-rank: values that were read,
// never between two.
type Stats struct {
	Min    time.Duration   `json:"minNs"`
	Median time.Duration   `json:"medianNs"`
	P95    time.Duration   `json:"p95Ns"`
	Max    time.Duration   `json:"maxNs"`
	Values []time.Duration `json:"valuesNs"` // in the order of the trials
}

// PhaseStats are the times of a phase.
type PhaseStats struct {
	Name timeline.Milestone `json:"name"`
	Stats
}

// statsOf returns nil of nothing.
func statsOf(values []time.Duration) *Stats {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	return &Stats{
		Min: sorted[0], Max: sorted[len(sorted)-1], Median: probe.Rank(sorted, 0.5), P95: probe.Rank(sorted, 0.95), Values: values,
	}
}

// RunTrials runs an experiment several times, each with another seed, the
// first with the experiment's. Each begins with the steady state that the one
// before has ended in. It ends early where a trial cannot be run, or not be
// undone, or when ctx ends. The reports are those of the trials.
func (r *Runner) RunTrials(ctx context.Context, e *Experiment, n int) (*Trials, []*Report) {
	var reports []*Report
	for i := range n {
		r.Progress.Line("trial %d of %d", i+1, n)
		trial := *e
		if e.Seed != 0 {
			trial.Seed += uint64(i)
		}
		report := r.Run(ctx, &trial)
		reports = append(reports, report)
		if slices.Contains([]Verdict{Refused, Skipped, UndoFailed}, report.Verdict) || ctx.Err() != nil {
			break
		}
	}
	return sumUp(n, reports), reports
}

// sumUp sums up the reports of one or more trials.
func sumUp(asked int, reports []*Report) *Trials {
	first := reports[0]
	t := &Trials{
		APIVersion: APIVersion, Kind: TrialsKind, Experiment: first.Experiment, Cluster: first.Cluster,
		Driver: first.Driver, Simulated: first.Simulated, Asked: asked,
	}
	var healed, outages []time.Duration
	for _, p := range reports {
		t.Trials = append(t.Trials, Trial{p.ID, p.Seed, p.Verdict, p.Reason, p.HealedAfter})
		if p.HealedAfter != nil {
			healed = append(healed, *p.HealedAfter)
		}
		if p.Client != nil {
			outages = append(outages, p.Client.LongestGap)
		}
	}
	t.HealedAfter, t.Outage = statsOf(healed), statsOf(outages)
	for _, name := range podMilestones {
		var each []time.Duration
		for _, p := range reports {
			for _, phase := range p.Times() {
				if phase.Name == string(name) {
					each = append(each, phase.Took)
				}
			}
		}
		if s := statsOf(each); s != nil {
			t.Phases = append(t.Phases, PhaseStats{name, *s})
		}
	}
	return t
}

// Err is nil where every trial that was asked for has healed in time, else
// the error of the first one that did not.
func (t *Trials) Err() error {
	for i, trial := range t.Trials {
		if !trial.Verdict.Passed() {
			return &VerdictError{trial.Verdict, fmt.Sprintf("trial %d of %d (run %s): %s", i+1, t.Asked, trial.ID, trial.Reason)}
		}
	}
	return nil
}

// Draw writes the sums for a person.
func (t *Trials) Draw(w io.Writer) error {
	rows := [][]string{}
	add := func(name string, s *Stats) {
		if s == nil {
			return
		}
		row := []string{name}
		for _, v := range []time.Duration{s.Min, s.Median, s.P95, s.Max} {
			row = append(row, term.Seconds(v))
		}
		var raw []string
		for _, v := range s.Values {
			raw = append(raw, fmt.Sprintf("%.2f", v.Seconds()))
		}
		rows = append(rows, append(row, fmt.Sprint(len(s.Values)), strings.Join(raw, " ")))
	}
	add("healed after", t.HealedAfter)
	for _, p := range t.Phases {
		add("  "+string(p.Name), &p.Stats)
	}
	add("no answer for", t.Outage)
	mark := ""
	if t.Simulated {
		mark = "   SIMULATED: no container ran"
	}
	if _, err := fmt.Fprintf(w, "%d of %d trials of %s on cluster %s (driver %s)%s\n\n",
		len(t.Trials), t.Asked, term.Escape(t.Experiment), t.Cluster, t.Driver, mark); err != nil {
		return err
	}
	if err := term.Table(w, []string{"", "MIN", "MEDIAN", "P95", "MAX", "N", "EACH, IN SECONDS"}, rows); err != nil {
		return err
	}
	for i, trial := range t.Trials {
		if !trial.Verdict.Passed() {
			if _, err := fmt.Fprintf(w, "trial %d, run %s: %s: %s\n", i+1, trial.ID, trial.Verdict, term.Escape(trial.Reason)); err != nil {
				return err
			}
		}
	}
	return nil
}
