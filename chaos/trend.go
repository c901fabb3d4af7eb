package chaos

import (
	"cmp"
	"slices"
	"time"

	"axolotl/chaos/history"
	"axolotl/chaos/probe"
)

// TrendKind marks the JSON form of a trend.
const TrendKind = "ChaosTrend"

// Trend is how the phases of an experiment's runs went over time. Runs with
// different drivers have trends of their own.
type Trend struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Experiment string `json:"experiment"`
	Driver     string `json:"driver"`
	Simulated  bool   `json:"simulated"`

	// Window is how many runs are summed up together.
	Window  int           `json:"window"`
	Windows []TrendWindow `json:"windows"` // oldest first; the first may have fewer runs
	Phases  []PhaseTrend  `json:"phases"`
}

// TrendWindow is some runs that follow on one another.
type TrendWindow struct {
	From   time.Time `json:"from"` // when its first run started
	To     time.Time `json:"to"`   // when its last one did
	Runs   int       `json:"runs"`
	Healed int       `json:"healed"` // of them, in time
}

// PhaseTrend is one phase over time.
type PhaseTrend struct {
	Name    string        `json:"name"`
	Windows []WindowStats `json:"windows"` // of each of the trend's windows
	Shifts  []Shift       `json:"shifts"`  // when it became slower or faster
	Values  []TrendValue  `json:"values"`
}

// WindowStats sum up a phase in a window; P95 is nearest-rank. N may be less than the
// window's runs, and 0: not all of them have come to the phase.
type WindowStats struct {
	N      int           `json:"n"`
	Median time.Duration `json:"medianNs,omitempty"`
	P95    time.Duration `json:"p95Ns,omitempty"`
}

// TrendValue is what one run has given.
type TrendValue struct {
	Run  string        `json:"run"`
	At   time.Time     `json:"at"`
	Took time.Duration `json:"tookNs"`
}

// tells holds for verdicts of runs whose phases tell how the target heals: the
// fault was in, and the run was not ended from without.
func tells(v Verdict) bool { return slices.Contains([]Verdict{Healed, HealedLate, NotHealed}, v) }

// TrendsOf makes the trends of runs of one experiment, which are in order of
// time: one for each driver, those with the latest runs first. n is the window.
func TrendsOf(runs []history.Run, n int) []*Trend {
	type key struct {
		driver    string
		simulated bool
	}
	byKey := map[key][]history.Run{}
	for _, r := range runs {
		if tells(Verdict(r.Verdict)) {
			k := key{r.Driver, r.Simulated}
			byKey[k] = append(byKey[k], r)
		}
	}
	all := []*Trend{} // not nil: it is printed as JSON
	for _, group := range byKey {
		all = append(all, trendOf(group, n))
	}
	slices.SortFunc(all, func(a, b *Trend) int {
		last := func(t *Trend) time.Time { return t.Windows[len(t.Windows)-1].To }
		return cmp.Or(last(b).Compare(last(a)), cmp.Compare(a.Driver, b.Driver))
	})
	return all
}

func trendOf(runs []history.Run, n int) *Trend {
	first := runs[0]
	t := &Trend{
		APIVersion: APIVersion, Kind: TrendKind, Experiment: first.Experiment,
		Driver: first.Driver, Simulated: first.Simulated, Window: n,
	}
	windows := windowsOf(runs, n)
	for _, w := range windows {
		sum := TrendWindow{From: w[0].Started, To: w[len(w)-1].Started, Runs: len(w)}
		for _, r := range w {
			if Verdict(r.Verdict).Passed() {
				sum.Healed++
			}
		}
		t.Windows = append(t.Windows, sum)
	}
	for _, name := range TimeNames() {
		if p := phaseTrend(name, windows, n); len(p.Values) > 0 {
			t.Phases = append(t.Phases, p)
		}
	}
	return t
}

// windowsOf cuts runs into windows of n, counted from the latest.
func windowsOf(runs []history.Run, n int) [][]history.Run {
	var windows [][]history.Run
	for len(runs) > 0 {
		start := max(len(runs)-n, 0)
		windows = append(windows, runs[start:])
		runs = runs[:start]
	}
	slices.Reverse(windows)
	return windows
}

func phaseTrend(name string, windows [][]history.Run, n int) PhaseTrend {
	p := PhaseTrend{Name: name, Shifts: []Shift{}}
	var times []time.Duration
	for _, w := range windows {
		start := len(times)
		for _, r := range w {
			if took := timesByName(r.Phases)[name]; took != nil {
				times = append(times, *took)
				p.Values = append(p.Values, TrendValue{r.ID, r.Started, *took})
			}
		}
		stats := WindowStats{N: len(times) - start}
		if stats.N > 0 {
			sorted := slices.Sorted(slices.Values(times[start:]))
			stats.Median, stats.P95 = probe.Median(sorted), probe.Rank(sorted, 0.95)
		}
		p.Windows = append(p.Windows, stats)
	}
	for _, s := range shiftsOf(times, n) {
		s.Run, s.At = p.Values[s.index].Run, p.Values[s.index].At
		p.Shifts = append(p.Shifts, s)
	}
	return p
}
