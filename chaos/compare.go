package chaos

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aclements/go-moremath/stats"
)

// CompareKind marks the JSON form of a comparison of two experiments.
const CompareKind = "ChaosComparison"

// Comparison is what two experiments have shown that were run by turns.
type Comparison struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Cluster    string `json:"cluster"`
	Driver     string `json:"driver"`
	Simulated  bool   `json:"simulated"`
	Restored   bool   `json:"restored"` // each trial began with the same snapshot
	Asked      int    `json:"asked"`    // trials of each

	A     CompareSide    `json:"a"`
	B     CompareSide    `json:"b"`
	Times []ComparedTime `json:"times"` // the first is when all was well again
}

// CompareSide is one of the two experiments.
type CompareSide struct {
	Experiment string  `json:"experiment"`
	Title      string  `json:"title"`
	Trials     []Trial `json:"trials"`
}

// ComparedTime is one time of both; nil: not known.
type ComparedTime struct {
	Name string         `json:"name"`
	A    *Stats         `json:"a,omitempty"`
	B    *Stats         `json:"b,omitempty"`
	Diff *time.Duration `json:"diffNs,omitempty"` // median of B less that of A

	// P is the chance to see so much of a difference, or more, where there is
	// none: of the two-sided Mann-Whitney U test.
	P *float64 `json:"p,omitempty"`
	// Effect is the chance that a run of B takes longer than one of A, ties
	// counted half: 0.5 is no difference, 0 and 1 are the most.
	Effect *float64 `json:"effect,omitempty"`
	// Differs: it is more than noise.
	Differs bool `json:"differs"`
}

// Trials of each side. Of fewer than the least no two sides can differ at
// compareLevel: all of 4 above all of 4 others has p = 2/70, of 3 it is 2/20.
// The most is what the exact test is quick for.
const (
	DefaultCompareTrials = 5
	MinCompareTrials     = 4
	MaxCompareTrials     = MaxWindow
)

// compareLevel is the level of the one test that the answer hangs on, that of
// when all was well again. The phases, which say where the difference is, share
// it among them (Bonferroni), so that many looks find no more than one does.
const compareLevel = 0.05

// Compare runs two experiments by turns, so many trials of each, from the same
// beginning as RunTrials does. The n-th of both have the same seed, and which of
// the two is first changes each time: what drifts meanwhile concerns both alike.
// The comparison is nil where an error came before the first trial.
func (r *Runner) Compare(ctx context.Context, a, b *Experiment, trials int) (*Comparison, []*Report, error) {
	seed := a.Seed
	if seed == 0 {
		seed = newSeed()
	}
	reports, restored, err := r.inTurn(ctx, byTurns(a, b, seed, trials))
	if len(reports) == 0 {
		return nil, nil, err
	}
	var sides [2][]*Report
	for i, p := range reports {
		side := (i + i/2) % 2 // A B, B A, A B
		sides[side] = append(sides[side], p)
	}
	c := compare(sides[0], sides[1])
	c.Cluster, c.Driver, c.Simulated = reports[0].Cluster, reports[0].Driver, reports[0].Simulated
	c.Restored, c.Asked = restored, trials
	c.A.Experiment, c.A.Title, c.B.Experiment, c.B.Title = a.Name, a.Title, b.Name, b.Title
	return c, reports, err
}

// byTurns is the order in which two experiments run: A B, B A, A B.
func byTurns(a, b *Experiment, seed uint64, trials int) []*Experiment {
	var turns []*Experiment
	for i := range trials {
		pair := []*Experiment{a.withSeed(seed + uint64(i)), b.withSeed(seed + uint64(i))}
		if i%2 == 1 {
			slices.Reverse(pair)
		}
		turns = append(turns, pair...)
	}
	return turns
}

// compare compares the reports of two experiments, time by time.
func compare(a, b []*Report) *Comparison {
	c := &Comparison{APIVersion: APIVersion, Kind: CompareKind, A: CompareSide{Trials: trialsOf(a)}, B: CompareSide{Trials: trialsOf(b)}}
	never := neverOf(slices.Concat(a, b))
	for _, name := range TimeNames() {
		t := ComparedTime{Name: name, A: statsOf(valuesOf(a, name, never)), B: statsOf(valuesOf(b, name, never))}
		if t.A != nil || t.B != nil {
			t.test()
			c.Times = append(c.Times, t)
		}
	}
	for i := range c.Times {
		t, level := &c.Times[i], compareLevel
		if t.Name != healedAfter {
			level /= float64(len(c.Times) - 1)
		}
		t.Differs = t.P != nil && *t.P <= level
	}
	return c
}

// valuesOf are the values of a time. What did not heal while it was watched counts
// as never: the test asks only which took longer.
func valuesOf(reports []*Report, name string, never time.Duration) []time.Duration {
	var values []time.Duration
	for _, p := range reports {
		took := timesByName(p.Times())[name]
		switch {
		case !tells(p.Verdict):
		case took != nil:
			values = append(values, *took)
		case name == healedAfter:
			values = append(values, never)
		}
	}
	return values
}

// neverOf is the time after which whatever did not heal is said to have healed: the
// longest that any was watched after its fault, and longer than any that did heal has
// taken, on either side. Deadlines may differ, and that of a run of several steps is
// only the last one's.
func neverOf(reports []*Report) time.Duration {
	var never time.Duration
	for _, p := range reports {
		never = max(never, lateFactor*p.HealWithin)
		if p.HealedAfter != nil {
			never = max(never, *p.HealedAfter+1)
		}
	}
	return never
}

// test tells whether both sides differ, where both have values.
func (t *ComparedTime) test() {
	if t.A == nil || t.B == nil {
		return
	}
	diff := t.B.Median - t.A.Median
	t.Diff = &diff
	result, err := stats.MannWhitneyUTest(floats(t.B.Values), floats(t.A.Values), stats.LocationDiffers)
	if err != nil { // all are equal
		p, effect := 1.0, 0.5
		t.P, t.Effect = &p, &effect
		return
	}
	effect := result.U / float64(result.N1*result.N2)
	t.P, t.Effect = &result.P, &effect
}

// Err is nil where every trial that was asked for has told how long it took,
// else the error of the first one that did not.
func (c *Comparison) Err() error {
	for _, side := range []CompareSide{c.A, c.B} {
		for _, t := range side.Trials {
			if !tells(t.Verdict) {
				return &VerdictError{Verdict: t.Verdict, Reason: fmt.Sprintf("run %s of %s: %s", t.ID, side.Experiment, t.Reason)}
			}
		}
	}
	for _, side := range []CompareSide{c.A, c.B} {
		if err := endedEarly(len(side.Trials), c.Asked, "trials of "+side.Experiment); err != nil {
			return err
		}
	}
	return nil
}
