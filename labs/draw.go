package labs

import (
	"context"
	"math/rand/v2"
	"slices"

	"axolotl/vm"
)

// NewSeed is a seed for a lab that draws its steps: short enough to be told.
func NewSeed() int { return 1 + rand.IntN(9999) }

// pool are the places of the steps that may be drawn.
func (l *Lab) pool() []int {
	var places []int
	for i := range l.Steps {
		if len(l.Steps[i].Setup) > 0 {
			places = append(places, i)
		}
	}
	return places
}

// drawn is the lab with the steps that the seed draws among those that the
// cluster can give, in the place of the first of them. A lab that draws
// nothing is itself.
func (l *Lab) drawn(ctx context.Context, h *vm.Handle, seed int) (*Lab, error) {
	if l.Draw == 0 {
		return l, nil
	}
	var names []string
	for _, i := range l.pool() {
		reason, err := l.Steps[i].Needs.missing(ctx, h)
		if err != nil {
			return nil, err
		}
		if reason == "" {
			names = append(names, l.Steps[i].Name)
		}
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // a game, and to be had again
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return l.with(names[:min(l.Draw, len(names))]), nil
}

// with is the lab with these of the steps that may be drawn, in this order.
func (l *Lab) with(names []string) *Lab {
	copied := *l
	copied.Steps = nil
	first := true
	for _, step := range l.Steps {
		if len(step.Setup) == 0 {
			copied.Steps = append(copied.Steps, step)
			continue
		}
		if first {
			for _, name := range names {
				at := slices.IndexFunc(l.Steps, func(s Step) bool { return s.Name == name && len(s.Setup) > 0 })
				if at >= 0 {
					copied.Steps = append(copied.Steps, l.Steps[at])
				}
			}
		}
		first = false
	}
	return &copied
}

// Points of a step that was drawn.
const (
	fullPoints = 100
	hintPoints = 25 // that a hint costs
)

// points are what a learner got for a step.
func (m StepMark) points() int {
	if m.Solved || m.Skipped != "" {
		return 0
	}
	return max(0, fullPoints-hintPoints*m.Hints)
}
