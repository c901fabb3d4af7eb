package chaos

import (
	"math"
	"slices"
	"time"

	"github.com/aclements/go-moremath/stats"

	"axolotl/chaos/probe"
)

// The rule by which a phase has become slower or faster at a run: the times of
// the n runs before it and of the n from it on differ by the two-sided
// Mann-Whitney U test, exact, at a level of shiftLevel, and their medians by
// shiftShare of the former at least. Of neighbouring runs for which that holds
// the one with the smallest p is told, and of those with the same p the one
// where the means differ most.
//
// Ranks, since times to heal are skewed and a single slow run is no trend. The
// level is low, as the test is done at each run; the share keeps out what is
// sure but does not matter.
const (
	shiftLevel = 0.001
	shiftShare = 0.10
)

// Windows of the rule, in runs. Of fewer than the least no two can differ at
// shiftLevel: all of 7 above all of 7 others has p = 2/3432. The most is what
// the exact test is quick for.
const (
	DefaultWindow = 10
	MinWindow     = 7
	MaxWindow     = 25
)

// Shift is a run from which on a phase takes longer, or less long.
type Shift struct {
	Run    string        `json:"run"`
	At     time.Time     `json:"at"` // when it started
	Slower bool          `json:"slower"`
	Before time.Duration `json:"beforeNs"` // median of the runs before
	After  time.Duration `json:"afterNs"`  // median of those from it on
	P      float64       `json:"p"`

	index int     // in the times
	step  float64 // how much the means differ, in seconds
}

// clearer tells whether s is a better place for a shift than other.
func (s Shift) clearer(other Shift) bool {
	return s.P < other.P || s.P == other.P && s.step > other.step
}

// shiftsOf finds the shifts in times that are in order, with a window of n.
func shiftsOf(times []time.Duration, n int) []Shift {
	var shifts []Shift
	last := -1 // the index for which the rule last held
	for i := n; i+n <= len(times); i++ {
		s, holds := shiftAt(times, i, n)
		if !holds {
			continue
		}
		if top := len(shifts) - 1; top >= 0 && last == i-1 && shifts[top].Slower == s.Slower {
			if s.clearer(shifts[top]) {
				shifts[top] = s
			}
		} else {
			shifts = append(shifts, s)
		}
		last = i
	}
	return shifts
}

func shiftAt(times []time.Duration, i, n int) (Shift, bool) {
	before, after := times[i-n:i], times[i:i+n]
	s := Shift{index: i, Before: median(before), After: median(after)}
	s.Slower = s.After > s.Before
	if s.Before == s.After || math.Abs(float64(s.After-s.Before)) < shiftShare*float64(s.Before) {
		return s, false
	}
	b, a := floats(before), floats(after)
	s.step = math.Abs(stats.Mean(a) - stats.Mean(b))
	test, err := stats.MannWhitneyUTest(b, a, stats.LocationDiffers)
	if err != nil { // all are equal
		return s, false
	}
	s.P = test.P
	return s, s.P <= shiftLevel
}

func median(times []time.Duration) time.Duration {
	return probe.Median(slices.Sorted(slices.Values(times)))
}

func floats(times []time.Duration) []float64 {
	var all []float64
	for _, t := range times {
		all = append(all, t.Seconds())
	}
	return all
}
