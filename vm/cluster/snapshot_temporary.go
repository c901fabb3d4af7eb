package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Temporary is a snapshot of a cluster that belongs to this process: it goes
// when the process deletes it, or where that was killed, by SweepTemporary.
type Temporary struct {
	store    Store
	cluster  string
	open     Opener
	progress *term.Progress
	lock     *store.Lock
}

// Both lie among the snapshots, which outlive a restore. Nobody can give a
// snapshot this name: it has a dot.
const (
	temporaryName = "temporary.snapshot"
	temporaryLock = "temporary.lock"
)

// SaveTemporary saves a cluster as SaveSnapshot does. A cluster has one
// temporary snapshot at a time; the error says who has it.
func (s Store) SaveTemporary(ctx context.Context, name string, open Opener, progress *term.Progress) (*Temporary, error) {
	c, err := s.Load(name)
	if err != nil {
		return nil, err
	}
	lock, err := c.TryLock(snapshotsDir, temporaryLock)
	if err != nil {
		return nil, fmt.Errorf("cluster %q has a temporary snapshot already: %w", name, err)
	}
	t := &Temporary{store: s, cluster: name, open: open, progress: progress, lock: lock}
	if err = removeTemporary(c); err == nil {
		_, err = s.saveSnapshot(ctx, name, temporaryName, open, progress)
	}
	if err != nil {
		return nil, errors.Join(err, t.Delete())
	}
	return t, nil
}

// Restore has the cluster back as it was, as RestoreSnapshot does. It goes on
// when ctx ends: a cluster that is half restored is none.
func (t *Temporary) Restore(ctx context.Context) (*vm.Handle, error) {
	return t.store.RestoreSnapshot(context.WithoutCancel(ctx), temporaryName, UpOptions{Name: t.cluster, Open: t.open}, t.progress)
}

// Delete removes the snapshot. One that the cluster is being restored from
// stays until 'axolotl up' has completed that.
func (t *Temporary) Delete() error {
	c, err := t.store.Load(t.cluster)
	var missing *NotFoundError
	if errors.As(err, &missing) { // it was taken down, and the snapshot with it
		return t.lock.Unlock()
	}
	if err == nil {
		err = removeTemporary(c)
	}
	return errors.Join(err, t.lock.Remove())
}

// SweepTemporary removes what a process that has ended left of a cluster's
// temporary snapshot. One of a process at work is left alone.
func SweepTemporary(c *vm.Cluster) error {
	path := c.Path(snapshotsDir, temporaryLock)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lock, err := c.TryLock(snapshotsDir, temporaryLock)
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := removeTemporary(c); err != nil {
		return errors.Join(err, lock.Unlock())
	}
	return lock.Remove()
}

func removeTemporary(c *vm.Cluster) error {
	if c.Phase == vm.PhaseRestoring && c.Snapshot == temporaryName {
		return fmt.Errorf("cluster %q is being restored from its temporary snapshot; finish that first ('axolotl up %s'), the next run of chaos removes it", c.Name, c.Name)
	}
	return removeOwn(c, temporaryName)
}

// removeOwn removes a snapshot that axolotl saved for itself, and what was left
// where that was interrupted.
func removeOwn(c *vm.Cluster, name string) error {
	dir := c.Path(snapshotsDir, name)
	return errors.Join(removeSnapshot(dir), os.RemoveAll(dir+savingSuffix))
}
