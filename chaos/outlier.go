package chaos

import (
	"fmt"
	"math"
	"time"

	"axolotl/internal/term"
)

// Outlier is a trial that differs from the others, and the phase that did.
type Outlier struct {
	Trial  int           `json:"trial"` // from 1
	Run    string        `json:"run"`
	Took   time.Duration `json:"tookNs"`
	Median time.Duration `json:"medianNs"` // of all trials

	// Phase is the one that differs most from its median in the same direction;
	// empty where none is known to.
	Phase       string        `json:"phase,omitempty"`
	PhaseTook   time.Duration `json:"phaseTookNs,omitempty"`
	PhaseMedian time.Duration `json:"phaseMedianNs,omitempty"`
}

// A trial differs where its modified z-score is above 3.5 (Iglewicz and
// Hoaglin, How to Detect and Handle Outliers, 1993), and by outlierShare of the
// median at least, which keeps out what is sure but does not matter. Of fewer
// than outlierLeast trials nobody can say which of them is the odd one.
const (
	outlierScore = 3.5
	outlierShare = shiftShare
	outlierLeast = 3
)

// outliers are the trials that differ in when they healed.
func (t *Trials) outliers() []Outlier {
	var all []Outlier
	if t.HealedAfter == nil || len(t.HealedAfter.Values) < outlierLeast {
		return nil
	}
	middle := t.HealedAfter.Median
	spread := median(distances(t.HealedAfter.Values, middle))
	for i, trial := range t.Trials {
		if trial.HealedAfter == nil || !odd(*trial.HealedAfter, middle, spread) {
			continue
		}
		o := Outlier{Trial: i + 1, Run: trial.ID, Took: *trial.HealedAfter, Median: middle}
		o.blame(trial, t.Phases)
		all = append(all, o)
	}
	return all
}

// odd tells whether a value is far from the median, in terms of the median
// distance from it. The factor makes the score that of a normal distribution.
func odd(value, middle, spread time.Duration) bool {
	far := math.Abs(float64(value - middle))
	return far > outlierShare*float64(middle) && 0.6745*far > outlierScore*float64(spread)
}

func distances(values []time.Duration, from time.Duration) []time.Duration {
	var all []time.Duration
	for _, v := range values {
		all = append(all, (v - from).Abs())
	}
	return all
}

// blame finds the phase that made the difference.
func (o *Outlier) blame(trial Trial, phases []PhaseStats) {
	var most time.Duration
	for _, p := range phases {
		took, known := trial.phases[p.Name]
		off := took - p.Median
		if o.Took < o.Median {
			off = -off
		}
		if known && off > most {
			most, o.Phase, o.PhaseTook, o.PhaseMedian = off, p.Name, took, p.Median
		}
	}
}

// culprit tells of the phase in words.
func (o Outlier) culprit() string {
	if o.Phase == "" {
		return ""
	}
	return fmt.Sprintf("; %q took %s, else %s", o.Phase, term.Seconds(o.PhaseTook), term.Seconds(o.PhaseMedian))
}
