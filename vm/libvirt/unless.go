package libvirt

import (
	"context"
	"time"
)

// clockGrace is how long machines that were paused may take until their clocks are
// set, after a signal. They run at once; a clock that is late 'up' sets.
const clockGrace = 3 * time.Second

// unless returns what fn does, or ctx's error as soon as that ends. Calls of libvirt
// know no end but their own: an agent's takes seconds, a connection to a host that
// says nothing answerTime. One that is left alone ends by that, with what it holds.
func unless[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	ended := make(chan result, 1)
	go func() {
		value, err := fn()
		ended <- result{value, err}
	}()
	select {
	case r := <-ended:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// domain is what libvirt knows of a machine on this host, or errNoDomain.
func (d *Driver) domain(ctx context.Context, uuid string) (domain, error) {
	return unless(ctx, func() (domain, error) { return d.hypervisor.Domain(uuid) })
}
