package cluster

import (
	"context"
	"errors"
	"fmt"

	"axolotl/internal/term"
	"axolotl/vm"
)

// Kept is a snapshot of a cluster that belongs to a job of several processes,
// one after another, such as a lab that is done by hand. Unlike a Temporary it
// outlives each of them: whoever ends the job deletes it, and taking the
// cluster down does. The job sees to it that one process at a time has it.
type Kept struct {
	store    Store
	cluster  string
	name     string
	open     Opener
	progress *term.Progress
}

// keptSuffix ends the names of such snapshots. Nobody can give one by hand: it
// has a dot.
const keptSuffix = ".kept"

// Kept is the one snapshot of a cluster that belongs to an owner, whether it is
// there or not.
func (s Store) Kept(name, owner string, open Opener, progress *term.Progress) *Kept {
	return &Kept{store: s, cluster: name, name: owner + keptSuffix, open: open, progress: progress}
}

// Save saves the cluster as SaveSnapshot does, in place of what was kept before.
func (k *Kept) Save(ctx context.Context) error {
	if err := k.Delete(); err != nil {
		return err
	}
	_, err := k.store.saveSnapshot(ctx, k.cluster, k.name, k.open, k.progress)
	return err
}

// Restore has the cluster back as it was, as RestoreSnapshot does. It goes on
// when ctx ends: a cluster that is half restored is none.
func (k *Kept) Restore(ctx context.Context) (*vm.Handle, error) {
	return k.store.RestoreSnapshot(context.WithoutCancel(ctx), k.name, UpOptions{Name: k.cluster, Open: k.open}, k.progress)
}

// Delete removes the snapshot, and what a process that was killed left of one.
// That there is none is success.
func (k *Kept) Delete() error {
	c, err := k.store.Load(k.cluster)
	var missing *NotFoundError
	if errors.As(err, &missing) { // it was taken down, and the snapshot with it
		return nil
	}
	if err != nil {
		return err
	}
	if c.Phase == vm.PhaseRestoring && c.Snapshot == k.name {
		return fmt.Errorf("cluster %q is being restored from snapshot %q; finish that first ('axolotl up %s')", c.Name, k.name, c.Name)
	}
	return removeOwn(c, k.name)
}
