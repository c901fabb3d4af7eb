package labs

import (
	"context"
	"errors"
	"time"
)

// Check looks at every check of the step under way, once; the ones that ask
// for something to stay so are watched for that long. Where all hold, the step
// is passed. seen says of each that does not hold what was there instead, the last of
// them with the last events.
func (g *Guide) Check(ctx context.Context) (results []CheckResult, seen []*Problem, err error) {
	step := g.Step()
	if step == nil {
		return nil, nil, nil
	}
	if err := g.begin(ctx); err != nil {
		return nil, nil, err
	}
	results, seen = g.lookAll(ctx, step)
	if ctx.Err() != nil {
		return results, seen, context.Cause(ctx)
	}
	if len(seen) == 0 {
		g.pass(step, false)
	} else { // once, below all that does not hold
		seen[len(seen)-1].Events = g.runner.session.lastEvents(ctx, fewEvents)
	}
	return results, seen, g.save()
}

// lookAll is one look at every check of a step.
func (g *Guide) lookAll(ctx context.Context, step *Step) (results []CheckResult, seen []*Problem) {
	for _, c := range step.Check {
		result := CheckResult{That: g.runner.words(c), Outcome: Passed}
		if problem := g.look(ctx, c); problem != nil {
			result.Outcome = Failed
			seen = append(seen, problem)
		}
		results = append(results, result)
	}
	return results, seen
}

// pass notes that the step under way is done, once.
func (g *Guide) pass(step *Step, solved bool) {
	if g.state.Passed {
		return
	}
	g.state.Passed = true
	g.state.Done = append(g.state.Done, StepMark{Name: step.Name, Hints: g.state.Hints, Solved: solved, At: g.runner.Now()})
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
