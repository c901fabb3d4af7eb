package labs

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ResetStep begins the step under way anew: what was broken in it is mended, by the lab
// or by hand, its values are remembered as they are now, and its setup is done. What
// else the learner did stays, and so do the hints that were read.
func (g *Guide) ResetStep(ctx context.Context) error {
	step := g.Step()
	if step == nil {
		return fmt.Errorf("all steps are done; %s", g.typed("'axolotl lab reset' begins the lab anew"))
	}
	if g.state.Making {
		return g.begin(ctx) // says what to do
	}
	if err := g.runner.session.mendStep(ctx, step.Name); err != nil {
		return errors.Join(fmt.Errorf("mend what step %q broke: %w", step.Name, err), g.save())
	}
	g.state.Begun, g.state.Passed = false, false
	g.state.Done = slices.DeleteFunc(g.state.Done, func(m StepMark) bool { return m.Name == step.Name })
	if err := g.save(); err != nil {
		return err
	}
	return g.begin(ctx)
}
