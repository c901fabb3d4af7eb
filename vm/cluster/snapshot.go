package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"axolotl/internal/store"
	"axolotl/vm"
)

// Snapshot is a whole cluster at one instant, kept by a person under a name:
// memory, devices and disks of its machines, its credentials and its record.
// The disks lie over what the cluster's own lay over.
type Snapshot struct {
	Name    string              `json:"name"`
	Created time.Time           `json:"created"`
	Cluster vm.Cluster          `json:"cluster"` // the record of then
	Files   map[string]fileMark `json:"files"`   // by path below dir

	// Hardware is vm.Saver's, of the program that saved it.
	Hardware string `json:"hardware,omitempty"`

	// Bytes that it takes on disk; Damage, where it cannot be restored. Both are
	// seen, not stored.
	Bytes  int64  `json:"bytes"`
	Damage string `json:"damage,omitempty"`

	dir string
}

const (
	snapshotsDir = "snapshots"     // below a cluster's directory
	snapshotFile = "snapshot.json" // a directory without it is none
	savingSuffix = ".saving"       // no name ends so: it has a dot
)

// snapshotsOf returns a cluster's snapshots, the oldest first.
func (s Store) snapshotsOf(c *vm.Cluster) []Snapshot {
	entries, err := os.ReadDir(c.Path(snapshotsDir))
	if err != nil {
		return nil // it never had one
	}
	var all []Snapshot
	for _, entry := range entries {
		if !entry.IsDir() || filepath.Ext(entry.Name()) == savingSuffix {
			continue
		}
		shot := Snapshot{Name: entry.Name(), dir: c.Path(snapshotsDir, entry.Name())}
		err := store.ReadJSON(filepath.Join(shot.dir, snapshotFile), &shot)
		if err == nil {
			err = checkSeal(shot.dir, shot.Files, false)
		}
		if err != nil {
			shot.Damage = err.Error()
		}
		if shot.Bytes, err = store.DiskUsage(shot.dir); err != nil {
			shot.Damage = cmp.Or(shot.Damage, err.Error())
		}
		all = append(all, shot)
	}
	slices.SortStableFunc(all, func(a, b Snapshot) int { return a.Created.Compare(b.Created) })
	return all
}

// Snapshots returns the snapshots of a cluster, the oldest first.
func (s Store) Snapshots(name string) ([]Snapshot, error) {
	c, err := s.Load(name)
	if err != nil {
		return nil, err
	}
	all := s.snapshotsOf(c)
	if all == nil {
		all = []Snapshot{} // it is printed as JSON
	}
	return all, nil
}

// snapshot returns one of a cluster's snapshots, whole.
func (s Store) snapshot(c *vm.Cluster, name string) (*Snapshot, error) {
	all := s.snapshotsOf(c)
	var names []string
	for i := range all {
		if all[i].Name != name {
			names = append(names, all[i].Name)
			continue
		}
		if all[i].Damage != "" {
			return nil, fmt.Errorf("snapshot %q of cluster %q: %s; delete it ('axolotl snapshot delete %s %s')", name, c.Name, all[i].Damage, c.Name, name)
		}
		if golden := all[i].Cluster.Golden; golden != "" {
			if _, err := s.openGolden(golden, all[i].Created); err != nil {
				return nil, fmt.Errorf("snapshot %q of cluster %q lies over golden snapshot %s: %w; delete it ('axolotl snapshot delete %s %s')",
					name, c.Name, golden, err, c.Name, name)
			}
		}
		return &all[i], nil
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("cluster %q has no snapshot %q: it has none ('axolotl snapshot save %s %s' makes it)", c.Name, name, c.Name, name)
	}
	return nil, fmt.Errorf("cluster %q has no snapshot %q; it has %v", c.Name, name, names)
}

// DeleteSnapshot removes a snapshot, whole or damaged.
func (s Store) DeleteSnapshot(name, snapshot string) error {
	if err := validateSnapshot(snapshot); err != nil {
		return err
	}
	c, release, err := s.take(name)
	if err != nil {
		return err
	}
	defer release()
	dir := c.Path(snapshotsDir, snapshot)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		_, err = s.snapshot(c, snapshot) // says which there are
		return err
	}
	if c.Phase == vm.PhaseRestoring && c.Snapshot == snapshot {
		return fmt.Errorf("cluster %q is being restored from snapshot %q; finish that first ('axolotl up %s')", name, snapshot, name)
	}
	return removeSnapshot(dir)
}

// removeSnapshot removes the record first: what is left of it by a kill is no
// snapshot.
func removeSnapshot(dir string) error {
	if err := store.RemoveFile(filepath.Join(dir, snapshotFile)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

func validateSnapshot(name string) error {
	if err := ValidateName(name); err != nil {
		return fmt.Errorf("snapshot name %q is no DNS label of at most %d characters; use small letters, digits and -", name, maxName)
	}
	return nil
}
