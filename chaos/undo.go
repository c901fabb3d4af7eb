package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"axolotl/chaos/journal"
	"axolotl/internal/check"
	"axolotl/internal/term"
	"axolotl/vm"
	clusters "axolotl/vm/cluster"
)

// undoEvery is how often an undo is tried again while the cluster does not
// answer.
const undoEvery = 200 * time.Millisecond

// Recover undoes what runs left whose processes have ended, of this cluster,
// and removes the snapshot that their trials began from. It returns the entries
// that are undone now. What cannot be undone stays in the journal, and is in the
// error.
func Recover(ctx context.Context, h *vm.Handle, now func() time.Time, step *term.Step) ([]journal.Entry, error) {
	return RecoverBut(ctx, h, nil, now, step)
}

// RecoverBut does as Recover, and leaves the runs with these IDs alone: theirs
// are several processes, one after another, as of a lab that is done by hand.
func RecoverBut(ctx context.Context, h *vm.Handle, spared []string, now func() time.Time, step *term.Step) ([]journal.Entry, error) {
	return recoverFrom(ctx, journalOf(h.Cluster), h, spared, now, step)
}

// Recover undoes what runs left whose processes have ended, as the function of
// that name does, by the runner's journal.
func (r *Runner) Recover(ctx context.Context, step *term.Step) ([]journal.Entry, error) {
	now := r.Now
	if now == nil {
		now = time.Now
	}
	return recoverFrom(ctx, r.entries(), r.Handle, nil, now, step)
}

func recoverFrom(ctx context.Context, entries *journal.Journal, h *vm.Handle, spared []string, now func() time.Time, step *term.Step) ([]journal.Entry, error) {
	held, err := entries.Pending()
	errs := []error{err, entries.SweepTold(), clusters.SweepTemporary(h.Cluster)}
	var done []journal.Entry
	for _, entry := range held {
		if slices.Contains(spared, entry.ID) {
			errs = append(errs, entry.Release())
			continue
		}
		step.Status("undo run %s", entry.ID)
		proof, err := undoFault(ctx, h, entry.Entry, undoWithin, step)
		if err == nil {
			err = undoNamespace(ctx, h, entry.Entry, undoWithin)
		}
		if err := closeEntry(h, entry, proof, err, now()); err != nil {
			errs = append(errs, fmt.Errorf("run %s of %s: %w", entry.ID, entry.Experiment, err))
			continue
		}
		done = append(done, entry.Entry)
	}
	return done, errors.Join(errs...)
}

// undoFault undoes the fault of an entry and returns the proof of it. It tries
// for so long, undoWithin as a rule, as the API server itself may be what is coming back, and then
// in harder ways. Of a cluster that was taken down nothing is left. The
// step may be nil.
func undoFault(ctx context.Context, h *vm.Handle, e journal.Entry, within time.Duration, step *term.Step) (string, error) {
	if e.Fault == nil {
		return "nothing was injected", nil
	}
	f, err := e.Fault.Fault()
	if err != nil {
		return "", err
	}
	ctx, cancel := WhileThere(ctx, h)
	defer cancel()
	u := &undoing{handle: h, fault: f, objects: e.Objects, within: within, harder: h.Cluster.Spec.Deadline(), step: step}
	proof, err := u.run(ctx)
	if gone := GoneFrom(ctx); gone != nil {
		return gone.Error(), nil
	}
	return proof, err
}

// undoNamespace removes what a run made for itself.
func undoNamespace(ctx context.Context, h *vm.Handle, e journal.Entry, within time.Duration) error {
	if e.Namespace == "" {
		return nil
	}
	ctx, cancel := WhileThere(ctx, h)
	defer cancel()
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	removed := check.Func("namespace "+e.Namespace+" is gone", func(ctx context.Context) error {
		return removeNamespace(ctx, h.Kube, e.Namespace, e.ID)
	})
	err := check.Wait(limited, removed, undoEvery, nil)
	if GoneFrom(ctx) != nil {
		return nil
	}
	return err
}

// closeEntry closes a run's entry, where its cluster is there, whose the journal is.
func closeEntry(h *vm.Handle, entry *journal.Held, proof string, err error, now time.Time) error {
	if h.Cluster.Gone() != nil {
		return errors.Join(err, entry.Release())
	}
	return errors.Join(err, entry.Close(proof, err, now))
}

// finish ends a run however it went: the fault is undone and proved undone,
// the steady state is looked at again, the run's own target is removed. ctx is
// not that of the run, which may have ended.
func (r *run) finish(ctx context.Context, failed error) {
	if len(r.experiment.Steps) > 0 {
		r.undoErr = r.undoParts(ctx)
	} else if r.injected {
		r.undoErr = r.progress.Do("Undo "+r.experiment.Fault.Name(), func(step *term.Step) error {
			var err error
			r.undone, err = undoFault(ctx, r.handle, r.entry.Entry, r.undoWithin, step)
			step.Status("%s", r.undone)
			return err
		})
	}
	if r.injected && r.undoErr == nil && failed == nil && r.healed != nil {
		if err := r.progress.Do("Check the steady state again", func(*term.Step) error { return r.steadyAgain(ctx) }); err != nil {
			r.healed = nil
			r.relapse = err
		}
	}
	r.ended = r.now()
	if r.client != nil {
		r.client.Stop()
	}
	if r.observer != nil {
		r.observer.Close()
	}
	if r.entry != nil {
		r.undoErr = r.leave(ctx)
	}
	r.unlock()
}

// leave removes the run's own target and closes its journal entry. The error is
// that of the undo too.
func (r *run) leave(ctx context.Context) error {
	err := r.undoErr
	if r.putUp {
		err = errors.Join(err, r.progress.Do("Remove the target", func(*term.Step) error {
			return undoNamespace(ctx, r.handle, r.entry.Entry, r.undoWithin)
		}))
	}
	return closeEntry(r.handle, r.entry, cmp.Or(r.undone, "nothing was injected"), err, r.now())
}

// steadyAgain waits a little for the steady state after the undo.
func (r *run) steadyAgain(ctx context.Context) error {
	ctx, cancel := WhileThere(ctx, r.handle)
	defer cancel()
	limited, cancel := context.WithTimeout(ctx, r.experiment.HealWithin)
	defer cancel()
	return check.Wait(limited, check.Func("the steady state after the undo", r.steadyNow), pollEvery, nil)
}
