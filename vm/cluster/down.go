package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"axolotl/internal/kube"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Opener returns the driver that a recorded cluster was made with.
type Opener func(c *vm.Cluster) (vm.Driver, error)

// Salvager is a driver that can find a cluster's objects by name alone, when
// its record is damaged. Objects that do not say they are ours stay.
type Salvager interface {
	// Salvage returns the ID of the cluster that had this name, or "" where
	// nothing of it exists.
	Salvage(ctx context.Context, name, dir string) (id string, err error)
}

// Down removes a cluster, whole, half-made or damaged, with its directory and
// its context in the user's kubeconfig. salvage are the drivers asked about a
// cluster whose record cannot be read or is gone.
func (s Store) Down(ctx context.Context, name string, open Opener, salvage []vm.Driver, kubeconfig string, progress *term.Progress) error {
	if err := ValidateName(name); err != nil {
		return err
	}
	lock, err := s.Lock(name)
	if err != nil {
		return err
	}
	defer s.unlock(name, lock)

	c, err := s.Load(name)
	var broken *BrokenError
	var missing *NotFoundError
	switch {
	case errors.As(err, &broken):
		progress.Line("%v", err)
		return s.downBroken(ctx, name, salvage, kubeconfig, progress)
	case errors.As(err, &missing):
		// Its directory was deleted by hand; its machines may run.
		c = &vm.Cluster{Name: name, Dir: s.Home.Cluster(name)}
		owned, salvageErr := s.salvage(ctx, c, salvage, progress)
		if !owned {
			return err // that a driver cannot be asked is no sign of a cluster
		}
		if salvageErr != nil {
			return salvageErr
		}
		return Run(ctx, progress, s.forget(c, kubeconfig))
	}
	if err != nil {
		return err
	}
	driver, err := open(c)
	if err != nil {
		return err
	}
	if driver.Traits().Foreign {
		kubeconfig = "" // there is no context of ours, though one may have its name
	}
	c.BeginDeleting()
	// What makes room again must not need any: the record names all that there is.
	if err := s.Save(c); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	if err := Run(ctx, progress, append(driver.Down(c), s.forget(c, kubeconfig)...)); err != nil {
		return err
	}
	return s.dropGolden(c.Golden)
}

// downBroken removes a cluster of which only the name is known.
func (s Store) downBroken(ctx context.Context, name string, salvage []vm.Driver, kubeconfig string, progress *term.Progress) error {
	c := &vm.Cluster{Name: name, Dir: s.Home.Cluster(name)}
	owned, err := s.salvage(ctx, c, salvage, progress)
	if owned && err != nil {
		return err
	}
	// Its files are the last trace of it: they stay while a driver that may
	// have made it, and has begun to, cannot be asked.
	if files, readErr := os.ReadDir(c.Dir); err != nil && (readErr != nil || len(files) > 0) {
		return errors.Join(err, readErr)
	}
	return Run(ctx, progress, s.forget(c, kubeconfig))
}

// salvage takes down what drivers find of a cluster by its name and directory.
// owned is true where they found anything; then the error is why it could not
// be taken down, and else why some could not be asked.
func (s Store) salvage(ctx context.Context, c *vm.Cluster, drivers []vm.Driver, progress *term.Progress) (owned bool, err error) {
	var unasked []error // they do not work here; it may not have been theirs
	for _, driver := range drivers {
		salvager, ok := driver.(Salvager)
		if !ok {
			continue
		}
		// Again until nothing more is found: a name may have been given twice.
		found := *c
		for {
			id, err := salvager.Salvage(ctx, c.Name, c.Dir)
			if err != nil {
				err = fmt.Errorf("look for what is left of cluster %q with driver %s: %w", c.Name, driver.Name(), err)
				if found.ID != "" {
					return true, err // there may be more
				}
				unasked = append(unasked, err)
				break
			}
			if id == "" || id == found.ID {
				break
			}
			owned = true
			found.ID = id
			if err := Run(ctx, progress, driver.Down(&found)); err != nil {
				return true, err
			}
		}
	}
	if owned {
		return true, nil
	}
	return false, errors.Join(unasked...)
}

// forget lists what removes the traces on disk, the record last.
func (s Store) forget(c *vm.Cluster, kubeconfig string) []vm.Action {
	return []vm.Action{{Name: "Remove files and context", Run: func(context.Context, *term.Step) error {
		if kubeconfig != "" { // it may be another one than up had
			for _, path := range append([]string{kubeconfig}, c.Kubeconfigs...) {
				if err := kube.RemoveContext(path, c.Context()); err != nil {
					return fmt.Errorf("%w (--no-context leaves it alone)", err)
				}
			}
		}
		entries, err := os.ReadDir(c.Dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			if entry.Name() == vm.RecordFile {
				continue
			}
			if err := os.RemoveAll(c.Path(entry.Name())); err != nil {
				return err
			}
		}
		return os.RemoveAll(c.Dir)
	}}}
}
