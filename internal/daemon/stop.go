package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"axolotl/internal/check"
)

// pollInterval is short: what is waited for here takes fractions of a second.
const pollInterval = 20 * time.Millisecond

// Stop ends every process of a cluster and returns when all are gone. The
// component leader ends the others in order; where it is gone, or takes longer
// than grace, they are ended here. status, where not nil, is told what is still
// running.
func (k Kind) Stop(ctx context.Context, cluster, leader string, grace time.Duration, status func(error)) error {
	if cluster == "" {
		return errors.New("a cluster without an ID has no processes that can be told from others")
	}
	all, first := Of(cluster), Component(cluster, leader)
	g, err := k.newGroup(all)
	if err != nil {
		return err
	}
	defer g.release()
	led, err := g.signal(first, unix.SIGTERM)
	if err == nil && led == 0 {
		_, err = g.signal(all, unix.SIGTERM)
	}
	if err != nil {
		return err
	}
	err = waitEnded(ctx, g, grace, status)
	if err == nil || ctx.Err() != nil {
		return err
	}
	// The leader first, or it would restart the others.
	for _, match := range []func(Process) bool{first, all} {
		if _, err := g.signal(match, unix.SIGKILL); err != nil {
			return err
		}
	}
	return waitEnded(ctx, g, grace, status)
}

// waitEnded waits until all processes of a group have ended.
func waitEnded(ctx context.Context, g *group, grace time.Duration, status func(error)) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	ended := check.Func("all processes have ended", func(context.Context) error {
		if err := g.refresh(); err != nil {
			return err
		}
		alive, err := g.alive()
		if err != nil || len(alive) == 0 {
			return err
		}
		var names []string
		for _, p := range alive {
			names = append(names, fmt.Sprintf("%s (pid %d)", p.Component, p.PID))
		}
		slices.Sort(names)
		return errors.New("still running: " + strings.Join(names, ", "))
	})
	return check.Wait(ctx, ended, pollInterval, status)
}
