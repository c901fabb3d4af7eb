package daemon

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// group is the processes that match, each held by a pidfd: that stays with one
// process even when its PID is used again, and tells when all of it is gone,
// sockets included. The environment, by which they are found, goes before.
type group struct {
	kind  Kind
	match func(Process) bool
	held  map[Process]int // pidfd
}

// newGroup holds the processes that match now.
func (k Kind) newGroup(match func(Process) bool) (*group, error) {
	g := &group{kind: k, match: match, held: map[Process]int{}}
	if err := g.refresh(); err != nil {
		g.release()
		return nil, err
	}
	return g, nil
}

// refresh holds those too that have come since.
func (g *group) refresh() error {
	found, err := g.kind.Find(g.match)
	if err != nil {
		return err
	}
	for _, p := range found {
		if _, ok := g.held[p]; ok {
			continue
		}
		pidfd, ok, err := g.kind.Hold(p)
		if err != nil {
			return err
		}
		if ok {
			g.held[p] = pidfd
		}
	}
	return nil
}

// Hold opens a pidfd of a process. Only once it is open do we look who has the
// PID; ok is false where that is somebody else by now, or nobody.
func (k Kind) Hold(p Process) (pidfd int, ok bool, err error) {
	pidfd, err = unix.PidfdOpen(p.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("hold %s (pid %d): %w", p.Component, p.PID, err)
	}
	if now, found := k.read(p.PID); !found || now != p {
		unix.Close(pidfd)
		return 0, false, nil
	}
	return pidfd, true, nil
}

// alive returns the held processes that have not ended.
func (g *group) alive() ([]Process, error) {
	var alive []Process
	for p, pidfd := range g.held {
		ready := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("ask for %s (pid %d): %w", p.Component, p.PID, err)
		}
		if n == 0 || err != nil {
			alive = append(alive, p)
		}
	}
	return alive, nil
}

// signal sends a signal to those of the held processes that match, and returns
// how many they are. One that has ended is success.
func (g *group) signal(match func(Process) bool, signal unix.Signal) (int, error) {
	var errs []error
	count := 0
	for p, pidfd := range g.held {
		if !match(p) {
			continue
		}
		count++
		if err := unix.PidfdSendSignal(pidfd, signal, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("send %v to %s (pid %d): %w", signal, p.Component, p.PID, err))
		}
	}
	return count, errors.Join(errs...)
}

// release lets the processes go.
func (g *group) release() {
	for _, pidfd := range g.held {
		unix.Close(pidfd)
	}
}
