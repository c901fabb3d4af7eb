package chaos

import (
	"fmt"
	"io"
	"time"

	"axolotl/chaos/history"
	"axolotl/internal/term"
)

// DiffKind marks the JSON form of a comparison of two runs.
const DiffKind = "ChaosDiff"

// Diff is how two runs differ.
type Diff struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	A          DiffSide    `json:"a"`
	B          DiffSide    `json:"b"`
	Warnings   []string    `json:"warnings,omitempty"` // why they are not easily compared
	Phases     []PhaseDiff `json:"phases"`
}

// DiffSide is one of the two runs.
type DiffSide struct {
	ID         string    `json:"id"`
	Experiment string    `json:"experiment"`
	Cluster    string    `json:"cluster"`
	Driver     string    `json:"driver"`
	Started    time.Time `json:"started"`
	Seed       uint64    `json:"seed"`
	Verdict    Verdict   `json:"verdict"`
	Reason     string    `json:"reason,omitempty"`
}

// PhaseDiff is one phase of both; nil: not known.
type PhaseDiff struct {
	Name string         `json:"name"`
	A    *time.Duration `json:"aNs,omitempty"`
	B    *time.Duration `json:"bNs,omitempty"`
	Diff *time.Duration `json:"diffNs,omitempty"` // B less A
}

// DiffOf compares two runs phase by phase.
func DiffOf(a, b *Report) *Diff {
	d := &Diff{APIVersion: APIVersion, Kind: DiffKind, A: sideOf(a), B: sideOf(b), Phases: []PhaseDiff{}}
	warn := func(differ bool, format string, args ...any) {
		if differ {
			d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
		}
	}
	warn(a.Experiment != b.Experiment, "they are of different experiments: %s and %s", a.Experiment, b.Experiment)
	warn(a.Experiment == b.Experiment && recipe(a) != recipe(b), "the experiment was changed between them, or run with other flags")
	warn(a.Driver != b.Driver, "they are of different drivers: %s and %s", a.Driver, b.Driver)
	warn(a.Simulated != b.Simulated, "one of them is simulated: no container ran")
	warn(a.Seed != b.Seed, "they have different seeds, so other targets may have been chosen: %d and %d", a.Seed, b.Seed)
	ofA, ofB := timesByName(a.Times()), timesByName(b.Times())
	for _, name := range TimeNames() {
		p := PhaseDiff{Name: name, A: ofA[name], B: ofB[name]}
		if p.A == nil && p.B == nil {
			continue
		}
		if p.A != nil && p.B != nil {
			diff := *p.B - *p.A
			p.Diff = &diff
		}
		d.Phases = append(d.Phases, p)
	}
	return d
}

func sideOf(p *Report) DiffSide {
	return DiffSide{p.ID, p.Experiment, p.Cluster, p.Driver, p.Started, p.Seed, p.Verdict, p.Reason}
}

// recipe is the experiment of a run but for the seed.
func recipe(p *Report) string {
	e, err := p.Recipe()
	if err != nil {
		return p.File
	}
	e.Seed = 0
	file, err := e.File()
	if err != nil {
		return p.File
	}
	return file
}

func timesByName(times []history.Phase) map[string]*time.Duration {
	byName := map[string]*time.Duration{}
	for _, t := range times {
		byName[t.Name] = &t.Took
	}
	return byName
}

// Draw writes the comparison for a person.
func (d *Diff) Draw(w io.Writer) error {
	for _, side := range []struct {
		name string
		DiffSide
	}{{"A", d.A}, {"B", d.B}} {
		reason := ""
		if side.Reason != "" {
			reason = ": " + side.Reason
		}
		text := fmt.Sprintf("%s  run %s of %s on cluster %s (driver %s), %s: %s%s",
			side.name, side.ID, side.Experiment, side.Cluster, side.Driver, side.Started.UTC().Format(time.RFC3339), side.Verdict, reason)
		if _, err := fmt.Fprintln(w, term.Escape(text)); err != nil {
			return err
		}
	}
	for _, warning := range d.Warnings {
		if _, err := fmt.Fprintf(w, "   %s\n", term.Escape(warning)); err != nil {
			return err
		}
	}
	rows := [][]string{}
	for _, p := range d.Phases {
		rows = append(rows, []string{p.Name, secondsOrUnknown(p.A), secondsOrUnknown(p.B), change(p)})
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return term.Table(w, []string{"PHASE", "A", "B", "B - A"}, rows)
}

func secondsOrUnknown(d *time.Duration) string {
	if d == nil {
		return "unknown"
	}
	return term.Seconds(*d)
}

// change is a difference in words, with its share of A.
func change(p PhaseDiff) string {
	if p.Diff == nil {
		return ""
	}
	text := fmt.Sprintf("%+.2f s", p.Diff.Seconds())
	if *p.A > 0 {
		text += fmt.Sprintf(" (%+.0f %%)", 100*float64(*p.Diff)/float64(*p.A))
	}
	return text
}
