package labs

import (
	"context"
	"errors"
)

// Reset throws away what the lab made and begins it anew at its first step: by
// the snapshot, where one was saved, and what is left then one by one. It does
// not wait until the namespaces are gone, which takes most of a minute on an
// emulated machine: the lab goes on in others, and Quit sees to it that they are.
func (g *Guide) Reset(ctx context.Context) error {
	g.state.Making = true
	if err := g.save(); err != nil {
		return err
	}
	if err := g.goBack(ctx); err != nil {
		return err
	}
	old := g.runner.session
	if err := recoverKilled(ctx, old.handle, g.runner.Progress, g.runner.Now); err != nil {
		return err
	}
	err := old.mendAll(ctx)
	if err == nil {
		err = g.leave(ctx)
	}
	if err != nil {
		return errors.Join(err, g.save())
	}
	fresh := newSession(old.handle, g.Lab, g.runner.Now)
	fresh.addons, fresh.nodes, fresh.guided = old.addons, old.nodes, true
	g.runner.session = fresh
	g.state.Step, g.state.Begun, g.state.Passed, g.state.Hints, g.state.Done = 0, false, false, 0, nil
	if err := g.save(); err != nil {
		return err
	}
	if err := fresh.begin(ctx); err != nil {
		return err
	}
	g.state.Making = false
	return g.begin(ctx)
}
