package cluster

import (
	"fmt"

	"axolotl/internal/store"
	"axolotl/vm"
)

// fittingSnapshot returns one of a cluster's snapshots that can be restored here and
// now. It is asked before anything gives way, and by whoever completes that: another
// build, perhaps, or on a disk that is full by now.
func (s Store) fittingSnapshot(c *vm.Cluster, saver vm.Saver, name string) (*Snapshot, error) {
	shot, err := s.snapshot(c, name)
	if err != nil {
		return nil, err
	}
	if shot.Hardware != saver.Hardware() {
		return nil, fmt.Errorf("snapshot %q of cluster %q was saved by another build of axolotl, whose machines have other hardware: what runs in them would fail here; restore it with that build, or delete it ('axolotl snapshot delete %s %s')",
			name, c.Name, c.Name, name)
	}
	if err := saver.Fits(&shot.Cluster, shot.dir); err != nil {
		return nil, fmt.Errorf("snapshot %q of cluster %q cannot be restored: %w; delete it ('axolotl snapshot delete %s %s')", name, c.Name, err, c.Name, name)
	}
	return shot, hasRoom(c, saver, shot)
}

// hasRoom returns an error where the disk has not as much room as is written when a
// snapshot is restored, what gives way for it counted in.
func hasRoom(c *vm.Cluster, saver vm.Saver, shot *Snapshot) error {
	needed, err := saver.LoadBytes(&shot.Cluster, shot.dir)
	if err != nil {
		return err
	}
	free, err := store.FreeBytes(c.Dir)
	if err != nil {
		return err
	}
	way, err := giveWay(c, outliving...)
	if err != nil {
		return err
	}
	for _, path := range way {
		bytes, err := store.DiskUsage(path)
		if err != nil {
			return err
		}
		free += uint64(bytes) //nolint:gosec // no file takes less than nothing
	}
	if free < needed {
		return fmt.Errorf("snapshot %q of cluster %q takes %d MiB when it is restored, and %s has %d MiB for it; free some, or delete another snapshot ('axolotl snapshot list %s' shows them)",
			shot.Name, c.Name, needed>>20, c.Dir, free>>20, c.Name)
	}
	return nil
}
