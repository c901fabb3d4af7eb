package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"axolotl/chaos/probe"
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

	// Restored: each trial began with the same snapshot restored.
	Restored bool `json:"restored"`

	// HealedAfter is of the trials that healed, also late.
	HealedAfter *Stats `json:"healedAfter,omitempty"`
	// Phases are those of all pods, and of all nodes, that a trial has lost.
	Phases []PhaseStats `json:"phases,omitempty"`
	// Outage is of the longest time without an answer, where a client was
	// played.
	Outage *Stats `json:"outage,omitempty"`
	// Outliers are the trials that differ from the others.
	Outliers []Outlier `json:"outliers,omitempty"`
}

// Trial is one run of several.
type Trial struct {
	ID          string         `json:"id"`
	Seed        uint64         `json:"seed"`
	Verdict     Verdict        `json:"verdict"`
	Reason      string         `json:"reason,omitempty"`
	HealedAfter *time.Duration `json:"healedAfterNs,omitempty"`

	passed bool                     // it ended as its experiment wants it to
	phases map[string]time.Duration // those that are known
}

// Stats sums up times. P95 is nearest-rank, a value that was read: of fewer than
// twenty trials the longest.
type Stats struct {
	Min    time.Duration   `json:"minNs"`
	Median time.Duration   `json:"medianNs"`
	P95    time.Duration   `json:"p95Ns"`
	Max    time.Duration   `json:"maxNs"`
	Values []time.Duration `json:"valuesNs"` // in the order of the trials
}

// PhaseStats are the times of a phase.
type PhaseStats struct {
	Name string `json:"name"`
	Stats
}

// statsOf returns nil of nothing.
func statsOf(values []time.Duration) *Stats {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	return &Stats{
		Min: sorted[0], Max: sorted[len(sorted)-1], Median: probe.Median(sorted), P95: probe.Rank(sorted, 0.95), Values: values,
	}
}

// RunTrials runs an experiment several times, each with another seed, the
// first with the experiment's. Each begins with the same snapshot restored,
// which is taken before the first, when their target is steady where it is their
// own and the same, and deleted after the last; where none can be
// taken, with the steady state that the one before has ended in. It ends early
// where a trial cannot be run, or not be undone, or when ctx ends. The reports
// are those of the trials; the sums are nil where there are none. An error says
// why a trial had no beginning, or what is left of the snapshot.
func (r *Runner) RunTrials(ctx context.Context, e *Experiment, n int) (*Trials, []*Report, error) {
	var trials []*Experiment
	for i := range n {
		seed := e.Seed // 0 is another one each time
		if seed != 0 {
			seed += uint64(i)
		}
		trials = append(trials, e.withSeed(seed))
	}
	reports, restored, err := r.inTurn(ctx, trials)
	if len(reports) == 0 {
		return nil, nil, err
	}
	sums := sumUp(n, reports)
	sums.Restored = restored
	return sums, reports, err
}

// inTurn runs experiments one after another, as RunTrials says.
func (r *Runner) inTurn(ctx context.Context, experiments []*Experiment) (reports []*Report, restored bool, err error) {
	shot, stage, err := r.beginning(ctx, experiments)
	if err != nil {
		return nil, false, err
	}
	if shot != nil {
		told, deaf := stage.untilTold(ctx)
		defer deaf()
		ctx = told
		defer func() { err = errors.Join(err, stage.strike(context.WithoutCancel(ctx)), shot.Delete()) }()
	}
	for i, e := range experiments {
		r.Progress.Line("trial %d of %d: %s", i+1, len(experiments), e.Name)
		trial, err := r.begun(ctx, shot, stage)
		if err != nil {
			return reports, shot != nil, err
		}
		reports = append(reports, trial.Run(ctx, e))
		hopeless := !reports[i].Passed() && slices.Contains([]Verdict{Refused, Skipped, UndoFailed}, reports[i].Verdict)
		if ctx.Err() != nil || reports[i].told || hopeless {
			break // another one would be no better, or worse
		}
	}
	return reports, shot != nil, nil
}

func (e *Experiment) withSeed(seed uint64) *Experiment {
	again := *e
	again.Seed = seed
	return &again
}

// sumUp sums up the reports of one or more trials.
func sumUp(asked int, reports []*Report) *Trials {
	first := reports[0]
	t := &Trials{
		APIVersion: APIVersion, Kind: TrialsKind, Experiment: first.Experiment, Cluster: first.Cluster,
		Driver: first.Driver, Simulated: first.Simulated, Asked: asked, Trials: trialsOf(reports),
	}
	var healed, outages []time.Duration
	for _, p := range reports {
		if p.HealedAfter != nil {
			healed = append(healed, *p.HealedAfter)
		}
		if p.Client != nil {
			outages = append(outages, p.Client.LongestGap)
		}
	}
	t.HealedAfter, t.Outage = statsOf(healed), statsOf(outages)
	for _, name := range phaseNames() {
		var each []time.Duration
		for i, p := range reports {
			if took := timesByName(p.Times())[name]; took != nil {
				each = append(each, *took)
				t.Trials[i].phases[name] = *took
			}
		}
		if s := statsOf(each); s != nil {
			t.Phases = append(t.Phases, PhaseStats{name, *s})
		}
	}
	t.Outliers = t.outliers()
	return t
}

func trialsOf(reports []*Report) []Trial {
	var all []Trial
	for _, p := range reports {
		all = append(all, Trial{p.ID, p.Seed, p.Verdict, p.Reason, p.HealedAfter, p.Passed(), map[string]time.Duration{}})
	}
	return all
}

// Err is nil where every trial that was asked for has ended as the experiment wants
// it to, else the error of the first one that did not.
func (t *Trials) Err() error {
	for i, trial := range t.Trials {
		if !trial.passed {
			return &VerdictError{Verdict: trial.Verdict, Reason: fmt.Sprintf("trial %d of %d (run %s): %s", i+1, t.Asked, trial.ID, trial.Reason)}
		}
	}
	return endedEarly(len(t.Trials), t.Asked, "trials")
}

// endedEarly is the error of runs of which fewer were done than was asked for, where
// all that were done are as they should be: somebody has ended them between two.
func endedEarly(done, asked int, of string) error {
	if done >= asked {
		return nil
	}
	return &VerdictError{Verdict: Aborted, Reason: fmt.Sprintf("ended early, after %d of %d %s", done, asked, of)}
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
		add("  "+p.Name, &p.Stats)
	}
	add("no answer for", t.Outage)
	mark := ""
	if t.Restored {
		mark = ", each from the same snapshot"
	}
	if t.Simulated {
		mark += "   SIMULATED: no container ran"
	}
	if _, err := fmt.Fprintf(w, "%d of %d trials of %s on cluster %s (driver %s)%s\n\n",
		len(t.Trials), t.Asked, term.Escape(t.Experiment), t.Cluster, t.Driver, mark); err != nil {
		return err
	}
	if err := term.Table(w, []string{"", "MIN", "MEDIAN", "P95", "MAX", "N", "EACH, IN SECONDS"}, rows); err != nil {
		return err
	}
	for _, o := range t.Outliers {
		if _, err := fmt.Fprintf(w, "trial %d, run %s, differs: healed after %s, the median is %s%s\n",
			o.Trial, o.Run, term.Seconds(o.Took), term.Seconds(o.Median), o.culprit()); err != nil {
			return err
		}
	}
	for i, trial := range t.Trials {
		if !trial.passed {
			if _, err := fmt.Fprintf(w, "trial %d, run %s: %s: %s\n", i+1, trial.ID, trial.Verdict, term.Escape(trial.Reason)); err != nil {
				return err
			}
		}
	}
	return nil
}
