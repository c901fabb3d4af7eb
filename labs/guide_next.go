package labs

import (
	"context"
	"errors"
	"fmt"
)

// ErrNotPassed is the error of Next where the step's checks do not hold.
var ErrNotPassed = errors.New("this step is not done yet")

// Next goes to the next step, where the one under way has passed or passes
// now.
func (g *Guide) Next(ctx context.Context) error {
	if g.Step() == nil {
		return nil
	}
	if !g.state.Passed {
		if _, seen, err := g.Check(ctx); err != nil || len(seen) > 0 {
			return errors.Join(err, fmt.Errorf("%w; %s", ErrNotPassed,
				g.typed("'axolotl lab check' shows what is missing, 'axolotl lab hint' helps, 'axolotl lab solve' does it")))
		}
	}
	g.state.Step++
	g.state.Begun, g.state.Passed, g.state.Hints = false, false, 0
	return g.begin(ctx)
}
