package cluster

import (
	"context"
	"fmt"
	"os"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

// imagesFile is, in a cluster's directory, the archive that images are loaded
// from, while they are.
const imagesFile = "images.tar"

// madeImagesFile is the same of images that are made for the cluster.
const madeImagesFile = "made-" + imagesFile

// LoadImages puts the images of archives into every machine of a cluster, and
// returns their names. The archives are looked at first. Machines that come
// later do not have them.
func (s Store) LoadImages(ctx context.Context, name string, archives []string, open Opener, progress *term.Progress) ([]string, error) {
	_, release, err := s.take(name)
	if err != nil {
		return nil, err
	}
	defer release()
	h, err := s.openTaken(ctx, name, open)
	if err != nil {
		return nil, err
	}
	loader, ok := h.Driver.(vm.ImageLoader)
	if !ok {
		return nil, errNoImages(h)
	}
	if err := settledMachines(h.Cluster); err != nil {
		return nil, err
	}
	archive := h.Cluster.Path(imagesFile)
	defer os.Remove(archive)
	var refs []string
	err = Run(ctx, progress, []vm.Action{
		{Name: "Check the images", Run: func(ctx context.Context, _ *term.Step) (err error) {
			refs, err = image.Repack(ctx, archive, archives...)
			return err
		}},
		{Name: fmt.Sprintf("Load them into %d machine(s)", len(h.Cluster.Machines)), Run: func(ctx context.Context, _ *term.Step) error {
			return loader.LoadImages(ctx, h.Cluster, archive)
		}},
	})
	return refs, err
}

// giveImages is how a handle loads images that are made for it. They are made
// before the cluster is taken, as that may take minutes.
func (s Store) giveImages(name string, loader vm.ImageLoader) func(context.Context, func(store.Home, string) error, *term.Step) error {
	return func(ctx context.Context, write func(store.Home, string) error, step *term.Step) error {
		c, err := s.Load(name)
		if err != nil {
			return err
		}
		archive := c.Path(madeImagesFile)
		try := func() (*store.Lock, error) { return c.TryLock(madeImagesFile + ".lock") }
		making, err := store.Await(ctx, try, func(locked *store.LockedError) {
			step.Status("waiting for %q (pid %d), which makes images for the cluster", locked.Holder.Command, locked.Holder.PID)
		})
		if err != nil {
			return err
		}
		defer making.Unlock() //nolint:errcheck // the kernel frees it at the latest
		defer os.Remove(archive)
		if err := write(s.Home, archive); err != nil {
			return err
		}
		lock, err := store.WaitLock(ctx, s.lockFile(name), func(locked *store.LockedError) {
			step.Status("waiting for %q (pid %d), which is at work on the cluster", locked.Holder.Command, locked.Holder.PID)
		})
		if err != nil {
			return err
		}
		defer s.unlock(name, lock)
		id := c.ID
		if c, err = s.Load(name); err != nil {
			return err
		}
		if c.ID != id { // one of the same name was made meanwhile, and nobody asked for them there
			return &vm.GoneError{Cluster: name}
		}
		if err := settledMachines(c); err != nil {
			return err
		}
		step.Status("loading it into %d machine(s)", len(c.Machines))
		return loader.LoadImages(ctx, c, archive)
	}
}

func errNoImages(h *vm.Handle) error {
	if h.Driver.Traits().Foreign {
		return errForeign(h.Cluster, "load images into")
	}
	return fmt.Errorf("driver %s simulates its nodes: no container runs there, and any image name will do", h.Driver.Name())
}
