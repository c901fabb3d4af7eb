package chaos

import (
	"context"
	"errors"
	"fmt"
)

// errTold is the error of a run that was told to end.
var errTold = fmt.Errorf("%w by 'axolotl chaos abort'", errInterrupted)

// untilTold returns a context that ends with ctx, and when the run is told to end:
// then its cause is errTold.
func (r *run) untilTold(ctx context.Context) (context.Context, context.CancelFunc) {
	return endWhen(ctx, func() error {
		if r.journal.Told(r.id) {
			return errTold
		}
		return nil
	})
}

// toldFrom is errTold, where that is why ctx ended; else nil.
func toldFrom(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), errTold) {
		return errTold
	}
	return nil
}
