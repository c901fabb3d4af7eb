package libvirt

import (
	"context"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

var _ vm.Supplier = (*Driver)(nil)

// supplies are what machines boot from.
type supplies struct {
	node  string                 // the node binary, which is kubeadm too
	img   *image.Image           // here
	there map[*site]*image.Image // as the machines of each host read it
}

// Supply implements vm.Supplier.
func (d *Driver) Supply(ctx context.Context, c *vm.Cluster, step *term.Step) error {
	if c.Image == "" {
		id, err := image.ID()
		if err != nil {
			return err
		}
		c.Image = id
	}
	_, err := d.supplies(ctx, c, step)
	return err
}

func (d *Driver) supplies(ctx context.Context, c *vm.Cluster, step *term.Step) (s supplies, err error) {
	if s.node, err = d.nodeBinary(ctx, d.home, step); err != nil {
		return s, err
	}
	if s.img, err = d.image(ctx, c, step); err != nil {
		return s, err
	}
	s.there = map[*site]*image.Image{}
	for _, p := range d.places(c) {
		if s.there[p.site], err = p.bringImage(ctx, c, s.img, step); err != nil {
			return s, err
		}
	}
	return s, nil
}
