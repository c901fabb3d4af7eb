package chaos

import (
	"context"
	"errors"
	"reflect"

	"axolotl/chaos/journal"
	"axolotl/internal/term"
)

// stage is a target that was put up once, for all trials: the snapshot that they
// begin from holds it, steady, so that no trial waits until its pods run and none
// until they are gone. Its journal entry is open while it stands.
type stage struct {
	run   *run
	entry *journal.Held
}

// oneTarget tells whether experiments have the same target of their own, which
// one stage can be for all of them.
func oneTarget(experiments []*Experiment) bool {
	for _, e := range experiments {
		if e.Target.App == "" || !reflect.DeepEqual(e.Target, experiments[0].Target) {
			return false
		}
	}
	return true
}

// setStage puts up the target of trials and waits until it is steady. It is nil
// where they have not one target of their own. Where it fails nothing is left, or
// the journal has it.
func (r *Runner) setStage(ctx context.Context, experiments []*Experiment) (*stage, error) {
	if !oneTarget(experiments) {
		return nil, nil
	}
	x := r.newRun(experiments[0])
	err := x.perform(ctx, []step{
		{"Put up the target", x.deploy},
		{"Wait for the steady state", x.settle},
	})
	s := &stage{run: x, entry: x.entry}
	if err != nil {
		return nil, errors.Join(err, s.strike(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// untilTold returns a context that ends with ctx, and when the stage is told to
// end, which is between two trials as well.
func (s *stage) untilTold(ctx context.Context) (context.Context, context.CancelFunc) {
	if s == nil {
		return context.WithCancel(ctx)
	}
	return s.run.untilTold(ctx)
}

// strike removes the target and closes its journal entry.
func (s *stage) strike(ctx context.Context) error {
	if s == nil || s.entry == nil {
		return nil
	}
	err := s.run.progress.Do("Remove the target", func(*term.Step) error {
		return undoNamespace(ctx, s.run.handle, s.entry.Entry, undoWithin)
	})
	return closeEntry(s.run.handle, s.entry, "nothing was injected", err, s.run.now())
}
