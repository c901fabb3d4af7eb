package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"axolotl/chaos/journal"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Snapshot is a state of the cluster that trials begin from.
type Snapshot interface {
	// Restore has the cluster back as it was, and healthy, whatever it is now.
	Restore(ctx context.Context) (*vm.Handle, error)
	// Delete removes the snapshot.
	Delete() error
}

// beginning is where trials of experiments begin: a snapshot that is taken now,
// and the stage that is in it, if any. There is none where the driver can save
// none, or Runner.Save is nil, or one of the experiments would not run here at
// all, which its first run says.
func (r *Runner) beginning(ctx context.Context, experiments []*Experiment) (Snapshot, *stage, error) {
	if _, err := vm.SaverOf(r.Handle.Driver); err != nil || r.Save == nil {
		return nil, nil, nil //nolint:nilerr // trials go on without
	}
	var x *run
	for _, e := range experiments {
		if x = r.newRun(e); x.preflight(ctx, nil) != nil {
			return nil, nil, nil //nolint:nilerr // its first run says so
		}
	}
	// What is broken now would come back with the snapshot.
	if err := r.Progress.Do("Finish what earlier runs left", func(step *term.Step) error { return x.undoEarlier(ctx, step) }); err != nil {
		return nil, nil, err
	}
	if err := r.alone(nil); err != nil {
		return nil, nil, err
	}
	stage, err := r.setStage(ctx, experiments)
	var refused *Refusal
	if errors.As(err, &refused) {
		return nil, nil, nil // it is refused to its first run as well, which says so
	}
	if err != nil {
		return nil, nil, err
	}
	shot, err := r.Save(ctx)
	if err != nil {
		err = fmt.Errorf("the snapshot that trials begin from: %w (--no-restore does without)", err)
		return nil, nil, errors.Join(err, stage.strike(context.WithoutCancel(ctx)))
	}
	return shot, stage, nil
}

// begun is the runner of the next trial, on the cluster as it was.
func (r *Runner) begun(ctx context.Context, shot Snapshot, stage *stage) (*Runner, error) {
	if shot == nil {
		return r, nil
	}
	if err := r.alone(stage); err != nil {
		return nil, err
	}
	handle, err := shot.Restore(ctx)
	if err != nil {
		return nil, fmt.Errorf("restore the snapshot that trials begin from: %w", err)
	}
	handle.Restore = func(ctx context.Context) error {
		_, err := shot.Restore(ctx)
		return err
	}
	again := *r
	again.Handle, again.stage = handle, stage
	if stage != nil {
		stage.run.handle = handle
	}
	return &again, nil
}

// alone returns an error where another run is at work than the stage's: a
// snapshot would keep its fault, and a restore take the cluster away from under
// it.
func (r *Runner) alone(ours *stage) error {
	open, err := Unfinished(r.Handle.Cluster)
	open = slices.DeleteFunc(open, func(e journal.Entry) bool { return ours != nil && e.ID == ours.entry.ID })
	if err == nil && len(open) > 0 {
		err = fmt.Errorf("run %s of %s is at work on cluster %q, which trials would restore under it; wait until it has ended, or use --no-restore",
			open[0].ID, open[0].Experiment, r.Handle.Cluster.Name)
	}
	return err
}
