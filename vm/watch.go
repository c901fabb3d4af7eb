package vm

import "context"

// Watcher is a driver that tells what becomes of machines as it happens.
type Watcher interface {
	// Watch tells the state of each machine of the record as it is now, and
	// then each time that it may have changed: the latest word counts. The
	// channel is closed when ctx ends, and when nobody can tell any more;
	// whoever wants to know then watches anew.
	Watch(ctx context.Context, c *Cluster) (<-chan MachineStatus, error)
}
