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

// Abort interrupts runs at work on a cluster, the one with an ID or, where
// that is empty, all, as Ctrl-C does: each undoes what it did. It returns when
// they have ended.
func Abort(ctx context.Context, c *vm.Cluster, id string, step *term.Step) ([]journal.Entry, error) {
	entries := journalOf(c)
	live, err := entries.Live()
	if err != nil {
		return nil, err
	}
	var ended []journal.Entry
	var errs []error
	for _, l := range live {
		if id != "" && l.ID != id {
			continue
		}
		step.Status("run %s (pid %d)", l.ID, l.Holder.PID)
		if err := interrupt(ctx, entries, l); err != nil {
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

// interrupt signals the process that holds an entry and waits until it does
// not any more. The process is taken hold of before the lock is looked at
// again: who holds the lock then is the process that was taken, and no other
// that has its number since.
func interrupt(ctx context.Context, entries *journal.Journal, l journal.Live) error {
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
	ctx, cancel := context.WithTimeout(ctx, 2*undoWithin)
	defer cancel()
	return check.Wait(ctx, check.Func("the run has ended", func(context.Context) error {
		holder, err := entries.Holder(l.ID)
		if err == nil && holder != nil {
			err = fmt.Errorf("process %d is still at work", holder.PID)
		}
		return err
	}), pollEvery, nil)
}
