// Package cluster is the order of things: what up and down do, one named
// action after another, and the records on disk that let either be interrupted
// at any point and run again.
package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"axolotl/internal/store"
	"axolotl/vm"
)

// Store is the clusters on this host, on disk.
type Store struct{ Home store.Home }

// NotFoundError is the error for a cluster that nobody made.
type NotFoundError struct {
	Name  string
	Known []string

	make bool // to make it is what helps, see AdviseUp
}

func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("there is no cluster %q; ", e.Name)
	if len(e.Known) > 0 {
		text += "known clusters: " + strings.Join(e.Known, ", ")
	}
	switch {
	case e.make && len(e.Known) > 0:
		return fmt.Sprintf("%s (make it with 'axolotl up %s')", text, e.Name)
	case e.make:
		return fmt.Sprintf("%smake it with 'axolotl up %s'", text, e.Name)
	case len(e.Known) == 0:
		return text + "'axolotl list' shows them"
	}
	return text
}

// AdviseUp has the error for a cluster that nobody made say how it is made: for what
// needs one, and not for what looks at or removes one.
func AdviseUp(err error) error {
	var missing *NotFoundError
	if errors.As(err, &missing) {
		missing.make = true
	}
	return err
}

// BrokenError is the error for a cluster whose record cannot be read.
type BrokenError struct {
	Name string
	Err  error
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("the record of cluster %q cannot be read (%v); remove what is left of it with 'axolotl down %s'", e.Name, e.Err, e.Name)
}

func (e *BrokenError) Unwrap() error { return e.Err }

// Load reads the record of one cluster.
func (s Store) Load(name string) (*vm.Cluster, error) {
	if err := ValidateName(name); err != nil {
		return nil, err
	}
	dir := s.Home.Cluster(name)
	var c vm.Cluster
	err := store.ReadJSON(filepath.Join(dir, vm.RecordFile), &c)
	if errors.Is(err, fs.ErrNotExist) {
		if has, dirErr := begun(dir); has {
			if dirErr != nil {
				return nil, &BrokenError{name, dirErr}
			}
			return nil, &BrokenError{name, errors.New("it is missing from " + dir)}
		}
		return nil, &NotFoundError{Name: name, Known: s.names()}
	}
	if err == nil && c.Name != name {
		err = fmt.Errorf("it is of a cluster %q", c.Name)
	}
	if err == nil && c.ID == "" {
		err = errors.New("it has no ID")
	}
	if err != nil {
		return nil, &BrokenError{name, err}
	}
	c.Dir = dir
	return &c, nil
}

// Save writes the record of a cluster. By then it is known to all who share the
// cache that what the record names may be in use.
func (s Store) Save(c *vm.Cluster) error {
	if err := s.Home.NoteState(); err != nil {
		return err
	}
	return store.WriteJSON(c.Path(vm.RecordFile), c)
}

// List returns all clusters by name; one whose record is damaged has phase
// broken and nothing but its name.
func (s Store) List() ([]*vm.Cluster, error) {
	all := []*vm.Cluster{} // not nil: it is printed as JSON
	for _, name := range s.names() {
		c, err := s.Load(name)
		if err != nil {
			c = &vm.Cluster{Name: name, Phase: vm.PhaseBroken, Dir: s.Home.Cluster(name)}
		}
		all = append(all, c)
	}
	return all, nil
}

// names are those of clusters that have a directory, and anything in it, sorted.
func (s Store) names() []string {
	entries, err := os.ReadDir(s.Home.Clusters())
	if err != nil {
		return nil // nobody has made one yet
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() || ValidateName(entry.Name()) != nil {
			continue
		}
		if has, _ := begun(s.Home.Cluster(entry.Name())); has { // also where it cannot be read
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	return names
}

// Lock takes the cluster's lock, which every command that changes it holds.
// It lies beside the cluster's directory, which is removed under it.
func (s Store) Lock(name string) (*store.Lock, error) {
	lock, err := store.TryLock(s.lockFile(name))
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return nil, fmt.Errorf("cluster %q is busy: %w", name, err)
	}
	return lock, err
}

// take locks a cluster for a change, reads its record and sweeps it. The caller
// calls release when it is done, whatever became of the cluster.
func (s Store) take(name string) (c *vm.Cluster, release func(), err error) {
	if err := ValidateName(name); err != nil {
		return nil, nil, err // before a file is made of it
	}
	lock, err := s.Lock(name)
	if err != nil {
		return nil, nil, err
	}
	release = func() { s.unlock(name, lock) }
	if c, err = s.Load(name); err == nil {
		err = sweep(c)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return c, release, nil
}

// unlock frees a cluster's lock, and removes it where nothing of the cluster
// is there any more.
func (s Store) unlock(name string, lock *store.Lock) {
	if _, err := os.Stat(s.Home.Cluster(name)); errors.Is(err, fs.ErrNotExist) {
		lock.Remove() //nolint:errcheck // an empty file more, which nobody holds
		return
	}
	lock.Unlock() //nolint:errcheck // the kernel frees it at the latest
}

func (s Store) lockFile(name string) string { return filepath.Join(s.Home.Clusters(), name+".lock") }
