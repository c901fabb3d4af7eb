package labs

import (
	"errors"

	"axolotl/internal/store"
)

// Guide is a lab that a learner goes through, one at a time on a cluster. What
// it knows is on disk after every method, so that it outlives the terminal.
type Guide struct {
	Lab *Lab

	runner *runner
	state  guideState
	lock   *store.Lock // nil where it is only looked at
}

// ErrNoGuide is the error where no lab is under way.
var ErrNoGuide = errors.New("no lab is under way on this cluster")

// Step is the step under way, or nil when all are done.
func (g *Guide) Step() *Step {
	if g.state.Step >= len(g.Lab.Steps) {
		return nil
	}
	return &g.Lab.Steps[g.state.Step]
}

// Namespace is the lab's own.
func (g *Guide) Namespace() string { return g.runner.session.namespace }

// Close lets go of the lab as it is.
func (g *Guide) Close() error {
	if g.lock == nil {
		return nil
	}
	return errors.Join(g.runner.session.letGo(), g.lock.Unlock())
}
