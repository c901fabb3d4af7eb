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

// DownOptions are what down is asked for.
type DownOptions struct {
	Open Opener // gives the driver of a cluster whose record, or note, can be read

	// Salvage are the drivers asked about one of which neither can, or whose
	// directory is gone.
	Salvage []vm.Driver
	// Named: a person has said which libvirt those are to ask.
	Named bool

	// Kubeconfig is the user's file that the context is removed from; empty
	// removes it nowhere.
	Kubeconfig string
}

// Down removes a cluster, whole, half-made or damaged, with its directory and
// its context in the user's kubeconfig.
func (s Store) Down(ctx context.Context, name string, options DownOptions, progress *term.Progress) error {
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
		return s.downBroken(ctx, name, options, progress)
	case errors.As(err, &missing):
		// Its directory was deleted by hand; its machines may run.
		c = &vm.Cluster{Name: name, Dir: s.Home.Cluster(name)}
		owned, salvageErr := s.salvage(ctx, c, options.Salvage, progress)
		if _, noDir := os.Stat(c.Dir); !owned && noDir != nil {
			return err // that a driver cannot be asked is no sign of a cluster
		}
		if owned && salvageErr != nil {
			return salvageErr
		}
		return Run(ctx, progress, s.forget(c, options.Kubeconfig))
	}
	if err != nil {
		return err
	}
	driver, err := options.Open(c)
	if err != nil {
		return err
	}
	if driver.Traits().Foreign {
		options.Kubeconfig = "" // there is no context of ours, though one may have its name
	}
	c.BeginDeleting()
	// What makes room again must not need any: the record names all that there is.
	if err := s.Save(c); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	if err := Run(ctx, progress, append(driver.Down(c), s.forget(c, options.Kubeconfig)...)); err != nil {
		return err
	}
	return s.dropGolden(c.Golden)
}

// downBroken removes a cluster whose record cannot be read.
func (s Store) downBroken(ctx context.Context, name string, options DownOptions, progress *term.Progress) error {
	c := &vm.Cluster{Name: name, Dir: s.Home.Cluster(name)}
	foreign, err := s.downUnread(ctx, c, options, progress)
	if err != nil {
		return err
	}
	if foreign {
		options.Kubeconfig = ""
	}
	return Run(ctx, progress, s.forget(c, options.Kubeconfig))
}

// downUnread takes down what is found of a cluster, or of a golden snapshot that was
// being made, whose record cannot be read: by its note, and by its name and
// directory. Its files are the last trace of it, and are the caller's to remove. It
// is foreign where its note says that somebody else has made it.
func (s Store) downUnread(ctx context.Context, c *vm.Cluster, options DownOptions, progress *term.Progress) (foreign bool, err error) {
	note := ownerOf(c.Dir)
	if note != nil {
		noted := note.cluster(c.Name, c.Dir)
		driver, err := options.Open(noted)
		if err == nil {
			foreign = driver.Traits().Foreign
			err = Run(ctx, progress, driver.Down(noted))
		}
		if err == nil && noted.SharedMemory != "" {
			err = os.RemoveAll(noted.SharedMemory)
		}
		if err != nil {
			return foreign, err
		}
	}
	owned, err := s.salvage(ctx, c, options.Salvage, progress)
	switch {
	case owned:
		return foreign, err
	case note != nil:
		return foreign, nil // all drivers that matter have been asked
	}
	// The files stay while a driver that may have made it, and has begun to, cannot
	// be asked.
	if files, readErr := os.ReadDir(c.Dir); err != nil && (readErr != nil || len(files) > 0) {
		return false, errors.Join(err, readErr)
	}
	// So do they while its machines may be at a libvirt that nobody has named.
	if machines, _ := os.ReadDir(c.Path("machines")); len(machines) > 0 && !options.Named {
		return false, fmt.Errorf("%s has files of %d machine(s), and no libvirt that was asked has these; name the one that they are at, or were (--connect URI)",
			c.Dir, len(machines))
	}
	return false, nil
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
			if entry.Name() == vm.RecordFile || entry.Name() == ownerFile {
				continue
			}
			if err := os.RemoveAll(c.Path(entry.Name())); err != nil {
				return err
			}
		}
		return os.RemoveAll(c.Dir)
	}}}
}
