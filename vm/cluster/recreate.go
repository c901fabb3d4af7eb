package cluster

import (
	"context"
	"fmt"
	"os"
	"slices"

	"axolotl/internal/term"
	"axolotl/vm"
)

// Recreate throws the machines of a cluster away, in whatever state they are,
// and has the cluster back as Up makes it: formed, empty and healthy. Its name,
// ID, ports, snapshots and reports stay; all that was in it is gone, and so are faults in
// its journal, as what they broke is. It is restored from a golden snapshot
// where the driver can, unless options.Cold. Nothing is thrown away before what
// it is made anew of is there. An interrupted one is completed by Up.
func (s Store) Recreate(ctx context.Context, options UpOptions, progress *term.Progress) (*vm.Handle, error) {
	c, release, err := s.take(options.Name)
	if err != nil {
		return nil, err
	}
	defer release()
	if c.Phase == vm.PhaseDeleting {
		return nil, errDeleting(c)
	}
	driver, err := options.Open(c)
	if err != nil {
		return nil, err
	}
	if driver.Traits().Foreign {
		return nil, errForeign(c, "recreate")
	}
	before := c.Golden
	if err := s.chooseGolden(ctx, c, driver, options.Cold, progress); err != nil {
		return nil, err
	}
	c.BeginRecreating()
	if err := s.Save(c); err != nil {
		return nil, err
	}
	if err := s.claimGolden(ctx, driver, c, progress); err != nil {
		return nil, err
	}
	handle, err := s.bringUp(ctx, c, driver, options, progress)
	if err != nil {
		return nil, err
	}
	return handle, s.dropGolden(before)
}

// chooseGolden notes in the record what the cluster will be restored from: the
// snapshot that it was made of, where that is whole. Where it will be booted, it is
// from the image that new clusters have, whatever release had made it.
func (s Store) chooseGolden(ctx context.Context, c *vm.Cluster, driver vm.Driver, cold bool, progress *term.Progress) error {
	freezer, err := vm.FreezerOf(driver)
	if cold || err != nil { // it is booted
		c.Golden = ""
		if _, ok := driver.(vm.Supplier); ok {
			c.Image = ""
		}
		return supply(ctx, c, driver, progress)
	}
	if c.Golden != "" {
		if g, err := s.restorable(ctx, c, freezer); err == nil && g.Spec.SameMachines(c.Spec) {
			return nil
		}
	}
	golden, err := s.EnsureGolden(ctx, driver, freezer, &c.Spec, progress)
	if err != nil {
		return fmt.Errorf("%w (--cold boots without one)", err)
	}
	c.Golden, c.Image = golden.ID, golden.Image
	return nil
}

// supply has there what machines boot from that are about to be thrown away.
func supply(ctx context.Context, c *vm.Cluster, driver vm.Driver, progress *term.Progress) error {
	supplier, ok := driver.(vm.Supplier)
	if !ok {
		return nil
	}
	return Run(ctx, progress, []vm.Action{{Name: "Get what the machines boot from", Run: func(ctx context.Context, step *term.Step) error {
		return supplier.Supply(ctx, c, step)
	}}})
}

// throwAway removes all that a cluster is being recreated without, and notes
// that it is gone: whoever is stopped before begins anew, also another process.
func (s Store) throwAway(ctx context.Context, c *vm.Cluster, driver vm.Driver, progress *term.Progress) error {
	if err := Run(ctx, progress, append(driver.Down(c), emptied(c))); err != nil {
		return err
	}
	c.BeginAnew()
	return s.Save(c)
}

// emptied removes what a cluster gives way with.
func emptied(c *vm.Cluster, kept ...string) vm.Action {
	return vm.Action{Name: "Throw away disks and keys", Run: func(context.Context, *term.Step) error {
		way, err := giveWay(c, kept...)
		if err != nil {
			return err
		}
		for _, path := range way {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
		return nil
	}}
}

// giveWay is what a cluster keeps on disk but for its record and note, its
// snapshots, the reports of what was done to it, and kept.
func giveWay(c *vm.Cluster, kept ...string) (paths []string, err error) {
	kept = append([]string{vm.RecordFile, ownerFile, snapshotsDir, "runs"}, kept...)
	entries, err := os.ReadDir(c.Dir)
	for _, entry := range entries {
		if !slices.Contains(kept, entry.Name()) {
			paths = append(paths, c.Path(entry.Name()))
		}
	}
	return paths, err
}
