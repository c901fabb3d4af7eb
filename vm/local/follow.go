package local

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"axolotl/vm"
)

var _ vm.Follower = (*Driver)(nil)

// Follow implements vm.Follower. Simulated machines are what their nodes are,
// which Kubernetes tells; what it cannot tell is the end of their supervisor.
func (d *Driver) Follow(ctx context.Context, c *vm.Cluster, changed func()) error {
	supervisor, err := newGroup(supervisorOf(c.ID))
	if err != nil {
		return err
	}
	defer supervisor.release()
	if len(supervisor.held) == 0 {
		return fmt.Errorf("the supervisor of cluster %q does not run; 'axolotl up %s' starts it", c.Name, c.Name)
	}
	changed()
	if err := supervisor.awaitEnd(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("the supervisor of cluster %q has ended", c.Name)
}

// awaitEnd returns when one of the held processes has ended, or ctx has.
func (g *group) awaitEnd(ctx context.Context) error {
	end, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer end.Close()
	defer hold.Close()
	stop := context.AfterFunc(ctx, func() { hold.Close() })
	defer stop()
	wanted := []unix.PollFd{{Fd: int32(end.Fd()), Events: unix.POLLIN}}
	for _, pidfd := range g.held {
		wanted = append(wanted, unix.PollFd{Fd: int32(pidfd), Events: unix.POLLIN})
	}
	for {
		if _, err := unix.Poll(wanted, -1); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
