package vm

import (
	"context"
	"time"
)

// Deadline is how long a step of bringing a cluster up may take on a slow,
// emulated machine before it is an error: three times the slowest reading.
const Deadline = 6 * time.Minute

// Emulated is the Accel of machines whose processors are emulated. The host's
// cores are the bound of what all of them do together.
const Emulated = "tcg"

// Deadline is that of a step for all machines of such a cluster. Of emulated ones
// it is the above for three with one control plane, and as much again for three
// more, or for another control plane, which is most of the work.
func (s Spec) Deadline() time.Duration {
	if s.Accel != Emulated {
		return Deadline
	}
	return Deadline * time.Duration(max(1, s.ControlPlanes, (s.Nodes()+2)/3))
}

// Outlast is a context that ends so long after another one: for what must be given
// back also where a person has ended the rest, and does not wait for it for long.
func Outlast(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-last.Done():
		}
	})
	return last, func() { stop(); cancel() }
}
