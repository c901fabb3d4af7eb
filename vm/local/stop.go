package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"axolotl/internal/check"
	"axolotl/internal/term"
)

// stopGrace is how long the processes get to end by themselves, a second more
// than the supervisor gives its own.
const stopGrace = superviseGrace + time.Second

// stopAll ends every process of a cluster. The supervisor ends the others in
// order; where it is gone, or takes too long, they are ended here.
func stopAll(ctx context.Context, cluster string, step *term.Step) error {
	if cluster == "" {
		return errors.New("a cluster without an ID has no processes that can be told from others")
	}
	all := func(p process) bool { return p.cluster == cluster }
	supervisor := func(p process) bool { return all(p) && p.component == supervisorName }

	supervised, err := signalAll(supervisor, syscall.SIGTERM)
	if err != nil {
		return err
	}
	if supervised == 0 {
		if _, err := signalAll(all, syscall.SIGTERM); err != nil {
			return err
		}
	}
	err = waitGone(ctx, all, stopGrace, step)
	if err == nil || ctx.Err() != nil {
		return err
	}
	// The supervisor first, or it would restart the others.
	if _, err := signalAll(supervisor, syscall.SIGKILL); err != nil {
		return err
	}
	if _, err := signalAll(all, syscall.SIGKILL); err != nil {
		return err
	}
	return waitGone(ctx, all, stopGrace, step)
}

// signalAll signals all processes that match and returns how many they were.
func signalAll(match func(process) bool, sig syscall.Signal) (int, error) {
	processes, err := findProcesses(match)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, p := range processes {
		if err := p.signal(sig); err != nil {
			errs = append(errs, fmt.Errorf("send %v to %s (pid %d): %w", sig, p.component, p.pid, err))
		}
	}
	return len(processes), errors.Join(errs...)
}

// waitGone waits until no process matches.
func waitGone(ctx context.Context, match func(process) bool, limit time.Duration, step *term.Step) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	gone := check.Func("all processes have ended", func(context.Context) error {
		processes, err := findProcesses(match)
		if err != nil || len(processes) == 0 {
			return err
		}
		var names []string
		for _, p := range processes {
			names = append(names, fmt.Sprintf("%s (pid %d)", p.component, p.pid))
		}
		return errors.New("still running: " + strings.Join(names, ", "))
	})
	return check.Wait(ctx, gone, pollInterval, func(err error) { step.Status("%v", err) })
}
