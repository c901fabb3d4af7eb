package labs

import (
	"context"
	"errors"
)

// Reset throws away what the lab made and begins it anew at its first step.
func (g *Guide) Reset(ctx context.Context) error {
	old := g.runner.session
	if err := old.undo(ctx); err != nil {
		return errors.Join(err, g.save())
	}
	fresh := newSession(old.handle, g.Lab, g.runner.Now)
	fresh.addons, fresh.guided = old.addons, true
	g.runner.session = fresh
	g.state.Step, g.state.Begun, g.state.Passed, g.state.Hints, g.state.Done = 0, false, false, 0, nil
	if err := g.save(); err != nil {
		return err
	}
	if err := fresh.begin(ctx); err != nil {
		return err
	}
	return g.begin(ctx)
}
