package labs

import (
	"context"
	"errors"
	"time"
)

// Check looks at every check of the step under way, once; the ones that ask
// for something to stay so are watched for that long. Where all hold, the step
// is passed. seen says of each that does not hold what was there instead.
func (g *Guide) Check(ctx context.Context) (results []CheckResult, seen []*Problem, err error) {
	step := g.Step()
	if step == nil {
		return nil, nil, nil
	}
	if err := g.begin(ctx); err != nil {
		return nil, nil, err
	}
	passed := true
	for _, c := range step.Check {
		result := CheckResult{That: g.runner.words(c), Outcome: Passed}
		if problem := g.look(ctx, c); problem != nil {
			result.Outcome, passed = Failed, false
			seen = append(seen, problem)
		}
		results = append(results, result)
	}
	if ctx.Err() != nil {
		return results, seen, context.Cause(ctx)
	}
	if passed && !g.state.Passed {
		g.state.Passed = true
		g.mark(step, false)
	}
	return results, seen, g.save()
}

// look is one look at a check.
func (g *Guide) look(ctx context.Context, c Check) *Problem {
	const glance = 10 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, c.For+glance, errors.New("it takes too long to look"))
	defer cancel()
	condition, err := g.runner.session.condition(c)
	if err == nil {
		err = condition.Check(ctx)
	}
	if err == nil && c.For > 0 {
		c.Within = time.Second
		return g.runner.wait(ctx, c)
	}
	if err != nil {
		return problem(g.runner.words(c), err)
	}
	return nil
}

func (g *Guide) mark(step *Step, solved bool) {
	g.state.Done = append(g.state.Done, StepMark{Name: step.Name, Hints: g.state.Hints, Solved: solved, At: g.runner.Now()})
}
