package labs

import (
	"context"
	"errors"
	"fmt"
)

// Solve does the step under way for the learner and waits for its checks.
func (g *Guide) Solve(ctx context.Context) (*Problem, error) {
	step := g.Step()
	if step == nil {
		return nil, nil
	}
	if err := g.begin(ctx); err != nil {
		return nil, err
	}
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
	} else if !g.state.Passed {
		g.state.Passed = true
		g.mark(step, true)
	}
	line.Done(err)
	return failure, g.save()
}
