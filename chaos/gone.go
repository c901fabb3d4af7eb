package chaos

import (
	"context"
	"errors"
	"time"

	"axolotl/vm"
)

// goneEvery is how often a wait looks whether its cluster is still there, and a
// run whether it was told to end.
const goneEvery = time.Second

// WhileThere returns a context that ends with ctx, and when the cluster is taken
// down: then its cause is a *vm.GoneError, see GoneFrom. One that somebody else has made is only
// forgotten then, and what was done to it must be undone all the same.
func WhileThere(ctx context.Context, h *vm.Handle) (context.Context, context.CancelFunc) {
	if h.Driver.Traits().Foreign {
		return context.WithCancel(ctx)
	}
	return endWhen(ctx, h.Cluster.Gone)
}

// endWhen returns a context that ends with ctx, and soon after look has an error:
// then that is its cause.
func endWhen(ctx context.Context, look func() error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if err := look(); err != nil {
		cancel(err)
	}
	go func() {
		tick := time.NewTicker(goneEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := look(); err != nil {
					cancel(err)
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// GoneFrom is the cluster's end, where that is why ctx ended; else nil.
func GoneFrom(ctx context.Context) error {
	var gone *vm.GoneError
	if errors.As(context.Cause(ctx), &gone) {
		return gone
	}
	return nil
}
