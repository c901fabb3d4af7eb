package labs

import (
	"context"
	"errors"
	"fmt"

	"axolotl/chaos"
)

// Solve does the step under way for the learner and waits for its checks. Where they
// do not come true, the step is begun anew and done once more: one wrong move may have
// made of it, as it was begun, what nobody can do any more.
func (g *Guide) Solve(ctx context.Context) (*Failure, error) {
	step := g.Step()
	if step == nil {
		return nil, nil
	}
	if err := g.begin(ctx); err != nil {
		return nil, err
	}
	if err := g.runner.getKubectl(ctx, step.Do...); err != nil {
		return nil, err
	}
	failure := g.solve(ctx, step)
	if failure != nil && ctx.Err() == nil && step.standsOn() && !g.state.Passed {
		g.runner.Progress.Line("%s", g.Words("it does not come true as the step was begun; it is begun anew, and done once more",
			"así como empezó el paso no se cumple; se empieza de nuevo y se hace otra vez"))
		if err := g.ResetStep(ctx); err != nil {
			failure.Seen = append(failure.Seen, escapeAll([]string{"and the step cannot be begun anew: " + err.Error()})...)
			g.state.Begun = len(step.Setup) == 0 // its values are still those of before
		} else {
			failure = g.solve(ctx, step)
		}
	}
	if gone := chaos.GoneFrom(ctx); gone != nil {
		return nil, gone
	}
	if failure != nil {
		return &Failure{failure, g.runner.explain(ctx, step, failure)}, g.save()
	}
	g.pass(step, true)
	return nil, g.save()
}

// standsOn tells whether a step stands on what was there when it was begun.
func (s *Step) standsOn() bool { return len(s.Remember)+len(s.Setup) > 0 }

// solve does a step, once.
func (g *Guide) solve(ctx context.Context, step *Step) *Problem {
	ctx, cancel := context.WithTimeoutCause(ctx, step.limit(), fmt.Errorf("the step's timeout of %s is over", step.limit()))
	defer cancel()
	line := g.runner.Progress.Start(g.Lab.Name + " " + step.Name)
	failure := g.runner.solve(ctx, step, line)
	if failure == nil {
		_, failure = g.runner.checks(ctx, step, line)
	}
	var err error
	if failure != nil {
		err = errors.New(failure.Message)
	}
	line.Done(err)
	return failure
}
