package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"axolotl/internal/check"
	"axolotl/internal/term"
)

// stopGrace is how long the processes get to end by themselves, a second more
// than the supervisor gives its own.
const stopGrace = superviseGrace + time.Second

// stopAll ends every process of a cluster and returns when all are gone. The
// supervisor ends the others in order; where it is gone, or takes too long,
// they are ended here.
func stopAll(ctx context.Context, cluster string, step *term.Step) error {
	if cluster == "" {
		return errors.New("a cluster without an ID has no processes that can be told from others")
	}
	all, supervisor := ofCluster(cluster), supervisorOf(cluster)
	g, err := newGroup(all)
	if err != nil {
		return err
	}
	defer g.release()
	supervised, err := g.signal(supervisor, unix.SIGTERM)
	if err == nil && supervised == 0 {
		_, err = g.signal(all, unix.SIGTERM)
	}
	if err != nil {
		return err
	}
	err = waitEnded(ctx, g, step)
	if err == nil || ctx.Err() != nil {
		return err
	}
	// The supervisor first, or it would restart the others.
	for _, match := range []func(Process) bool{supervisor, all} {
		if _, err := g.signal(match, unix.SIGKILL); err != nil {
			return err
		}
	}
	return waitEnded(ctx, g, step)
}

// waitEnded waits until all processes of a group have ended.
func waitEnded(ctx context.Context, g *group, step *term.Step) error {
	ctx, cancel := context.WithTimeout(ctx, stopGrace)
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
	return check.Wait(ctx, ended, pollInterval, func(err error) { step.Status("%v", err) })
}
