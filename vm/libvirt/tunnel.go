package libvirt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"axolotl/internal/daemon"
	"axolotl/internal/store"
	"axolotl/vm"
)

// tunnelling is what a tunnel says when it has begun.
const tunnelling = "tunnelling\n"

// Tunnel has the ports that the machines of the cluster of a directory forward on
// another host at the same ports of this one, and is the switch between machines
// that are on several, until ctx ends or the cluster is gone.
// It says on answer whether it has begun, once, and closes it.
func Tunnel(ctx context.Context, dir string, answer io.WriteCloser, log *zap.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	t := &tunnel{dir: dir, log: log, links: map[string]*link{}, segment: newSegment(log)}
	defer t.end()
	defer cancel()
	var c vm.Cluster
	err := store.ReadJSON(filepath.Join(dir, vm.RecordFile), &c)
	if err == nil {
		t.follow(ctx, &c)
		err = t.begun()
	}
	daemon.Answer(answer, tunnelling, err)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(goneInterval):
		}
		var now vm.Cluster
		err := store.ReadJSON(filepath.Join(dir, vm.RecordFile), &now)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && now.ID != c.ID:
			return nil
		case err == nil:
			t.follow(ctx, &now) // machines come and go
		}
	}
}

// tunnel is an ssh for each machine of a cluster: what one carries another does
// not lose.
type tunnel struct {
	dir   string
	log   *zap.Logger
	links map[string]*link // by what they forward

	segment *segment
}

// link is the way to one machine.
type link struct {
	machine string
	begun   chan error // whether the first ssh has begun
	cancel  context.CancelFunc
	ended   chan struct{}
}

// follow has a link for each machine of a record, and no other.
func (t *tunnel) follow(ctx context.Context, c *vm.Cluster) {
	wanted := map[string]bool{}
	for _, m := range pointers(c.Machines) {
		if !isRemote(hostOf(c, m)) {
			continue
		}
		forwards := forwardsTo(c, m)
		key := strings.Join(forwards, " ")
		wanted[key] = true
		if t.links[key] == nil {
			t.links[key] = t.link(ctx, c, m, forwards)
		}
	}
	if c.Spec.Spread() {
		t.segment.follow(ctx, c)
	}
	for key, l := range t.links {
		if !wanted[key] {
			l.cancel()
			<-l.ended
			delete(t.links, key)
		}
	}
}

// begun waits until every link has begun, or one could not.
func (t *tunnel) begun() error {
	for _, l := range t.links {
		if err := <-l.begun; err != nil {
			return fmt.Errorf("ports of %s: %w", l.machine, err)
		}
	}
	return nil
}

// end ends all links; their context has ended.
func (t *tunnel) end() {
	for _, l := range t.links {
		<-l.ended
	}
	t.segment.end()
}

// forwardsTo are the forwards of a machine's ports, as ssh takes them.
func forwardsTo(c *vm.Cluster, m *vm.Machine) []string {
	var options []string
	forward := func(port int) {
		options = append(options, "-L", fmt.Sprintf("127.0.0.1:%d:%s:%[1]d", port, networkOf(c, m).Loopback))
	}
	if m.APIPort != 0 {
		forward(m.APIPort)
	}
	for n := range vm.NodePortCount {
		forward(m.NodePortBase + n)
	}
	if c.Spec.Spread() {
		forward(linkPort(m))
	}
	return options
}

// linkPauses are how long a link that broke waits before it is begun anew: at
// first, and at most. One that has lasted is no repeated failure.
const (
	linkPause     = time.Second
	linkPauseMost = 15 * time.Second
)

// link begins the way to a machine, and begins it anew where it breaks, until ctx
// ends.
func (t *tunnel) link(ctx context.Context, c *vm.Cluster, m *vm.Machine, forwards []string) *link {
	ctx, cancel := context.WithCancel(ctx)
	l := &link{machine: m.Name, begun: make(chan error, 1), cancel: cancel, ended: make(chan struct{})}
	report := func(err error) {
		select {
		case l.begun <- err:
		default: // only the first counts
		}
	}
	to, who := sshTo(hostOf(c, m)), daemon.Process{Cluster: c.ID, Dir: t.dir, Component: sshName}
	go func() {
		defer close(l.ended)
		pause := linkPause
		for {
			lasted, err := forward(ctx, to, who, forwards, func() { report(nil) })
			report(err)
			if ctx.Err() != nil {
				return
			}
			if lasted {
				pause = linkPause
			}
			t.log.Warn("the way to a machine is broken", zap.String("machine", l.machine), zap.Error(err), zap.Duration("again in", pause))
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, linkPauseMost)
		}
	}()
	return l
}

// aliveOptions have an ssh end where a port is taken, and where the other host
// has said nothing for 20 s; and be one of its own, which ends with us.
var aliveOptions = []string{
	"-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=4",
	"-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", "LogLevel=ERROR",
}

// forward is one ssh, until that or ctx ends. begun is called when it forwards;
// lasted tells whether it ever did.
func forward(ctx context.Context, to ssh, who daemon.Process, forwards []string, begun func()) (lasted bool, err error) {
	// There, cat ends with its input, which is ours: nothing outlives us. It is
	// started when the ports are listened on.
	cmd := to.command(ctx, slices.Concat(aliveOptions, forwards), "echo begun; exec cat")
	cmd.Env = append(cmd.Environ(), tunnelKind.Environ(who)...)
	cmd.WaitDelay = linkPause // a ProxyCommand may hold its output open
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	hold, err := cmd.StdinPipe()
	if err != nil {
		return false, err
	}
	defer hold.Close()
	said, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	word := make([]byte, len("begun"))
	if _, err := io.ReadFull(said, word); err == nil {
		lasted = true
		begun()
	}
	if err = cmd.Wait(); err == nil {
		err = errors.New("it ended")
	}
	return lasted, fmt.Errorf("ssh to %s: %w: %s", to.host, err, strings.TrimSpace(complaint.String()))
}
