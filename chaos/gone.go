package chaos

import (
	"context"
	"errors"
	"time"

	"axolotl/vm"
)

// goneEvery is how often a wait looks whether its cluster is still there.
const goneEvery = time.Second

// whileThere returns a context that ends with ctx, and when the cluster is taken
// down: then its cause is a *vm.GoneError. One that somebody else has made is only
// forgotten then, and what was done to it must be undone all the same.
func whileThere(ctx context.Context, h *vm.Handle) (context.Context, context.CancelFunc) {
	if h.Driver.Traits().Foreign {
		return context.WithCancel(ctx)
	}
	c := h.Cluster
	ctx, cancel := context.WithCancelCause(ctx)
	if err := c.Gone(); err != nil {
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
				if err := c.Gone(); err != nil {
					cancel(err)
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// goneFrom is the cluster's end, where that is why ctx ended; else nil.
func goneFrom(ctx context.Context) error {
	var gone *vm.GoneError
	if errors.As(context.Cause(ctx), &gone) {
		return gone
	}
	return nil
}
