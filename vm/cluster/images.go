package cluster

import (
	"context"
	"fmt"
	"os"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

// imagesFile is, in a cluster's directory, the archive that images are loaded
// from, while they are.
const imagesFile = "images.tar"

// LoadImages puts the images of archives into every machine of a cluster, and
// returns their names. The archives are looked at first. Machines that come
// later do not have them.
func (s Store) LoadImages(ctx context.Context, name string, archives []string, open Opener, progress *term.Progress) ([]string, error) {
	_, release, err := s.take(name)
	if err != nil {
		return nil, err
	}
	defer release()
	h, err := s.Open(name, open)
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

func errNoImages(h *vm.Handle) error {
	if h.Driver.Traits().Foreign {
		return errForeign(h.Cluster, "load images into")
	}
	return fmt.Errorf("driver %s simulates its nodes: no container runs there, and any image name will do", h.Driver.Name())
}
