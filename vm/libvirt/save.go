package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

var _ vm.Saver = (*Driver)(nil)

// Save implements vm.Saver. In both forms memory goes into a stream, with pages
// of zeros left out: what a machine has mapped from a golden snapshot is its own
// by now, in part.
func (d *Driver) Save(ctx context.Context, c *vm.Cluster, dir string, step *term.Step) (err error) {
	if err := d.BootOnly(); err != nil {
		return err
	}
	word, _, err := d.Form(ctx, &c.Spec, step)
	if err != nil {
		return err
	}
	form := d.formFor(word)
	needed, err := saveBytes(c)
	if err != nil {
		return err
	}
	if err := checkFree(dir, needed); err != nil {
		return err
	}
	states, err := d.Machines(ctx, c)
	if err != nil {
		return err
	}
	var running, all []*vm.Machine
	for i, m := range pointers(c.Machines) {
		switch states[i].State {
		case vm.MachineRunning:
			running = append(running, m)
		case vm.MachineStopped:
		default:
			return fmt.Errorf("machine %s is %s (%s): there is nothing whole to save; bring it up first ('axolotl up %s')",
				m.Name, states[i].State, states[i].Reason, c.Name)
		}
		all = append(all, m)
	}
	// A machine that is made for a state has the disks that one starts with.
	if err := each(running, func(m *vm.Machine) error { return d.takeImages(ctx, m) }); err != nil {
		return err
	}
	step.Status("%d machine(s) are paused while they are saved", len(running))
	// Also where ctx has ended: they are not left paused.
	defer func() {
		dropErr := each(running, func(m *vm.Machine) error { return d.at(m).dropState(m.UUID) })
		last, cancel := vm.Outlast(ctx, clockGrace)
		defer cancel()
		_, resumeErr := d.resume(last, c, running)
		err = errors.Join(err, dropErr, resumeErr)
	}()
	if err := each(running, func(m *vm.Machine) error { return d.at(m).hypervisor.Pause(m.UUID) }); err != nil {
		return err
	}
	for _, m := range all {
		if err := os.MkdirAll(machineFile(dir, m.Name, ""), 0o700); err != nil {
			return err
		}
	}
	// The state first: with it QEMU gives its disks out of its hands, whole.
	err = each(running, func(m *vm.Machine) error {
		if err := form.keep(ctx, m, machineFile(dir, m.Name, "")); err != nil {
			return fmt.Errorf("save %s: %w", m.Name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return each(all, func(m *vm.Machine) error { return copyDisks(ctx, c.Dir, dir, m.Name) })
}

// saveBytes is the most that Save writes to disk: all memory, and the disks.
func saveBytes(c *vm.Cluster) (uint64, error) {
	bytes := uint64(c.Spec.AllMemoryMiB()) << 20
	for _, m := range c.Machines {
		disks, err := diskBytes(c.Dir, m.Name)
		if err != nil {
			return 0, err
		}
		bytes += disks
	}
	return bytes, nil
}

// LoadBytes implements vm.Saver. Memory in a stream goes to where the machine has its
// own; a save image is copied first.
func (*Driver) LoadBytes(c *vm.Cluster, kept string) (bytes uint64, err error) {
	for _, m := range c.Machines {
		disks, err := diskBytes(kept, m.Name)
		if err != nil {
			return 0, err
		}
		bytes += disks
		info, err := os.Stat(machineFile(kept, m.Name, savedFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		bytes += uint64(info.Size()) //nolint:gosec // no file has less than nothing
	}
	return bytes, nil
}

// diskBytes is what copyDisks writes.
func diskBytes(dir, machine string) (bytes uint64, err error) {
	for _, name := range diskFiles {
		file, err := store.DiskUsage(machineFile(dir, machine, name))
		if err != nil {
			return 0, err
		}
		bytes += uint64(file) //nolint:gosec // no file takes less than nothing
	}
	return bytes, nil
}

// diskFiles are a machine's overlay, what that lies over, whom the machine knows, and
// its seed.
var diskFiles = []string{rootOverlay, baseFile, neighboursFile, seedFile}

// copyDisks copies a machine's overlay, what that lies over, whom the machine knows,
// and its seed where it has one.
func copyDisks(ctx context.Context, from, to, machine string) error {
	for _, name := range diskFiles {
		source := machineFile(from, machine, name)
		if _, err := os.Stat(source); errors.Is(err, fs.ErrNotExist) && name != rootOverlay {
			continue // that of the golden snapshot counts
		}
		if err := store.CopySparse(ctx, machineFile(to, machine, name), source); err != nil {
			return fmt.Errorf("copy the disks of %s: %w", machine, err)
		}
	}
	return nil
}

// Load implements vm.Saver.
func (d *Driver) Load(ctx context.Context, c *vm.Cluster, dir string, step *term.Step) (time.Time, []string, error) {
	if _, err := image.Open(d.home, c.Image); err != nil {
		return time.Time{}, nil, err // before anything is thrown away
	}
	step.Status("reading the memory of %d machine(s)", len(c.Machines))
	var running []*vm.Machine
	kept := map[string]form{} // by machine
	for _, m := range pointers(c.Machines) {
		form, err := d.keptIn(machineFile(dir, m.Name, ""))
		if err != nil {
			return time.Time{}, nil, err
		}
		if form != nil {
			running = append(running, m)
			kept[m.Name] = form
		}
	}
	err := each(pointers(c.Machines), func(m *vm.Machine) error {
		if err := d.discard(ctx, c, m); err != nil {
			return err
		}
		if err := makeMachineDir(c, m); err != nil {
			return err
		}
		if err := copyDisks(ctx, dir, c.Dir, m.Name); err != nil {
			return err
		}
		return d.startKept(ctx, c, m, kept[m.Name], machineFile(dir, m.Name, ""))
	})
	if err != nil {
		return time.Time{}, nil, err
	}
	resumed, err := d.resume(ctx, c, running)
	if err != nil {
		return resumed, nil, err
	}
	var names []string
	for _, m := range running {
		names = append(names, m.Name)
	}
	return resumed, names, d.ensureBalancer(ctx, c)
}
