package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"

	"axolotl/chaos/journal"
	"axolotl/internal/check"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Abort ends runs at work on a cluster, the one with an ID or, where that is
// empty, all: each undoes what it did, and its process goes on with what else it
// does, as the daemon of schedules. It returns when they have ended.
func Abort(ctx context.Context, c *vm.Cluster, id string, step *term.Step) ([]journal.Entry, error) {
	entries := journalOf(c)
	live, err := entries.Live()
	if err != nil {
		return nil, err
	}
	var ended []journal.Entry
	var errs []error
	told := map[string]error{} // the runs, with what came of it: those of several entries once
	for _, l := range live {
		if id != "" && l.ID != id {
			continue
		}
		step.Status("run %s (pid %d)", l.ID, l.Holder.PID)
		err, done := told[l.Run]
		if !done || l.Run == "" {
			err = end(ctx, entries, l)
			told[l.Run] = err
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("abort run %s: %w", l.ID, err))
			continue
		}
		ended = append(ended, l.Entry)
	}
	if id != "" && len(ended)+len(errs) == 0 {
		errs = append(errs, fmt.Errorf("no run %q is at work on cluster %q; see 'axolotl chaos report'", id, c.Name))
	}
	return ended, errors.Join(errs...)
}

// end has a run end and waits until it has.
func end(ctx context.Context, entries *journal.Journal, l journal.Live) error {
	if l.Run == "" { // a lab's, or one of an older axolotl: it hears signals only
		if err := interrupt(entries, l); err != nil {
			return err
		}
		return awaitEnd(ctx, entries, l.ID)
	}
	if err := entries.Tell(l.Run); err != nil {
		return err
	}
	// Of an entry of several the run ends after it, and is who hears.
	if err := errors.Join(awaitEnd(ctx, entries, l.ID), awaitEnd(ctx, entries, l.Run)); err != nil {
		return err
	}
	deaf, err := entries.Untell(l.Run)
	if err == nil && deaf {
		err = errors.New("it ended by itself before it heard, and what its process does next goes on; see 'axolotl chaos report', and abort that")
	}
	return err
}

// interrupt signals the process that holds an entry. The process is taken hold of
// before the lock is looked at again: who holds the lock then is the process that
// was taken, and no other that has its number since.
func interrupt(entries *journal.Journal, l journal.Live) error {
	process, err := os.FindProcess(l.Holder.PID)
	if err != nil {
		return err
	}
	defer process.Release() //nolint:errcheck // nothing hangs on it
	holder, err := entries.Holder(l.ID)
	if err != nil || holder == nil || holder.PID != l.Holder.PID {
		return err
	}
	if err := process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("process %d: %w", l.Holder.PID, err)
	}
	return nil
}

// awaitEnd waits until nobody holds an entry.
func awaitEnd(ctx context.Context, entries *journal.Journal, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*undoWithin)
	defer cancel()
	return check.Wait(ctx, check.Func("the run has ended", func(context.Context) error {
		holder, err := entries.Holder(id)
		if err == nil && holder != nil {
			err = fmt.Errorf("process %d is still at work", holder.PID)
		}
		return err
	}), pollEvery, nil)
}
