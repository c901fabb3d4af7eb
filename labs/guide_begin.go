package labs

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errMaking is the error where a process was killed while what the steps stand
// on was made.
var errMaking = errors.New("the lab was interrupted while it was made")

// begin remembers what the step under way needs, once. Steps that cannot be
// done on this cluster are passed over.
func (g *Guide) begin(ctx context.Context) error {
	if g.state.Making {
		return fmt.Errorf("%w; %s", errMaking, g.typed("make it anew with: axolotl lab reset, or end it with: axolotl lab quit"))
	}
	for step := g.Step(); step != nil && !g.state.Begun; step = g.Step() {
		reason, err := step.Needs.missing(ctx, g.runner.session.handle)
		if err != nil {
			return errors.Join(err, g.save())
		}
		if reason == "" {
			break
		}
		g.state.Done = append(g.state.Done, StepMark{Name: step.Name, Skipped: reason, At: g.runner.Now()})
		g.state.Step++
	}
	step := g.Step()
	if step == nil {
		return g.save()
	}
	g.runner.session.step = step.Name
	if g.state.Begun {
		return g.save()
	}
	if err := g.keep(ctx, step.disturbs()); err != nil {
		return errors.Join(err, g.save())
	}
	if err := g.runner.getKubectl(ctx, step.Setup...); err != nil {
		return errors.Join(err, g.save())
	}
	const limit = time.Minute
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %s; %s", limit, g.typed("'axolotl lab reset' begins anew")))
	defer cancel()
	if err := g.runner.setUp(ctx, step); err != nil {
		return errors.Join(err, g.save())
	}
	g.runner.session.foresee(ctx, step)
	g.state.Begun = true
	return g.save()
}
