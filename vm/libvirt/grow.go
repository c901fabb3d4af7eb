package libvirt

import (
	"context"
	"os"
	"slices"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

var (
	_ vm.Grower = (*Driver)(nil)
	_ vm.Ruiner = (*Driver)(nil)
)

// Join implements vm.Grower.
func (d *Driver) Join(c *vm.Cluster, names ...string) []vm.Action {
	joining := func(m *vm.Machine) bool { return slices.Contains(names, m.Name) }
	var img *image.Image
	var members []vm.Action
	for i := range c.Machines {
		if m := &c.Machines[i]; joining(m) && m.Role == vm.ControlPlane {
			members = append(members, vm.Action{Name: "Let " + m.Name + " into etcd", Run: func(ctx context.Context, _ *term.Step) error {
				return d.joinEtcd(ctx, c, m)
			}})
		}
	}
	return append(members, []vm.Action{
		{Name: "Make their credentials", Run: func(ctx context.Context, step *term.Step) error {
			node, err := d.nodeBinary(ctx, d.home, step)
			if err != nil {
				return err
			}
			if img, err = d.image(ctx, c, step); err != nil {
				return err
			}
			for _, name := range names {
				if _, err := d.at(c.Machine(name)).bringImage(ctx, c, img, step); err != nil {
					return err
				}
				if err := d.credential(ctx, node, c.Dir, kubeadmConfig(c), name); err != nil {
					return err
				}
			}
			return nil
		}},
		{Name: "Boot the machines", Run: func(ctx context.Context, _ *term.Step) error {
			return each(slices.DeleteFunc(pointers(c.Machines), func(m *vm.Machine) bool { return !joining(m) }),
				func(m *vm.Machine) error { return d.ensureMachine(ctx, c, m, img) })
		}},
		{Name: "Introduce them to the others", Run: func(ctx context.Context, _ *term.Step) error {
			return each(slices.DeleteFunc(pointers(c.Machines), joining),
				func(m *vm.Machine) error { return d.acquaint(ctx, c, m) })
		}},
	}...)
}

// Leave implements vm.Grower. The others keep a route to where nobody is, until
// they boot.
func (d *Driver) Leave(ctx context.Context, c *vm.Cluster, name string) error {
	m := c.Machine(name)
	if m == nil {
		return nil
	}
	if err := d.leaveEtcd(ctx, c, m); err != nil {
		return err
	}
	if err := d.Ruin(ctx, c, name); err != nil {
		return err
	}
	return d.leaveHost(ctx, c, m)
}

// Ruin implements vm.Ruiner.
func (d *Driver) Ruin(ctx context.Context, c *vm.Cluster, name string) error {
	m := c.Machine(name)
	if m == nil {
		return nil
	}
	if err := d.discard(ctx, c, m); err != nil {
		return err
	}
	return os.RemoveAll(machineFile(c.Dir, name, ""))
}
