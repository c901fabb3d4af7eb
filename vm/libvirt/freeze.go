package libvirt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

var _ vm.Freezer = (*Driver)(nil)

// frozenForm is part of every shape. Raise it where another form of what is
// frozen, or other devices of a machine, make older ones useless.
const frozenForm = "3"

// frozenForms keep the shapes of the two forms apart.
var frozenForms = map[vm.Form]string{vm.Mapped: frozenForm, vm.Saved: frozenForm + " " + string(vm.Saved)}

// Hardware implements vm.Freezer and vm.Saver.
func (*Driver) Hardware() string { return frozenForm }

// Shape implements vm.Freezer. A machine's state fits only the emulator, the
// devices, the sizes and, under KVM, the processor that it was saved with; its disk
// only the very bytes that it lies over, which an image made anew has not.
func (d *Driver) Shape(ctx context.Context, spec *vm.Spec, form vm.Form, step *term.Step) (string, error) {
	if err := errors.Join(d.checkPlace(), d.BootOnly()); err != nil {
		return "", err
	}
	img, err := image.Ensure(ctx, d.home, step.Progress())
	if err != nil {
		return "", err
	}
	host, err := d.probeSubject(ctx, img)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(struct {
		Form, Host, Kernel, Root string
		Spec                     vm.Spec
	}{frozenForms[form], host, kernelArgumentsOf(spec.Accel), img.RootDigest(), spec.Bare()})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6]), nil
}

// Build implements vm.Freezer.
func (d *Driver) Build() (string, error) {
	id, err := image.ID()
	sum := sha256.Sum256([]byte(frozenForm + "\n" + kernelArguments + emulatedKernelArguments + "\n" + id))
	return hex.EncodeToString(sum[:6]), err
}

// machineFile is a file of a machine in a cluster's directory, or in that of what
// was frozen or saved.
func machineFile(dir, machine, name string) string {
	return filepath.Join(dir, "machines", machine, name)
}

// sharedMemory is where a machine's memory is while it is to be frozen.
func sharedMemory(c *vm.Cluster, machine string) string {
	return filepath.Join(c.SharedMemory, machine)
}

// makeSharedMemory makes the file that will be a machine's memory.
func (d *Driver) makeSharedMemory(c *vm.Cluster, m *vm.Machine) error {
	if err := os.MkdirAll(c.SharedMemory, 0o711); err != nil {
		return err
	}
	path := sharedMemory(c, m.Name)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Truncate(int64(c.Spec.GroupOf(m).MemoryMiB) << 20); err != nil {
		return err
	}
	return d.giveTo(path)
}

// Freeze implements vm.Freezer.
func (d *Driver) Freeze(ctx context.Context, c *vm.Cluster) error {
	// It would go on writing where what was frozen is sealed.
	if err := d.endBalancer(ctx, c); err != nil {
		return err
	}
	// Together: what one has sent, another must not have missed.
	if err := each(pointers(c.Machines), func(m *vm.Machine) error { return d.hypervisor.Pause(m.UUID) }); err != nil {
		return err
	}
	form := d.frozenAs(c)
	err := each(pointers(c.Machines), func(m *vm.Machine) error {
		if err := form.keep(ctx, m, machineFile(c.Dir, m.Name, "")); err != nil {
			return fmt.Errorf("save %s: %w", m.Name, err)
		}
		return d.hypervisor.Destroy(m.UUID)
	})
	if err != nil {
		return err
	}
	return each(pointers(c.Machines), func(m *vm.Machine) error {
		if err := form.keepRest(ctx, c, m, machineFile(c.Dir, m.Name, "")); err != nil {
			return fmt.Errorf("keep %s: %w", m.Name, err)
		}
		return d.hypervisor.Undefine(m.UUID)
	})
}

// Thaw implements vm.Freezer.
func (d *Driver) Thaw(ctx context.Context, c *vm.Cluster, frozen string, names ...string) (time.Time, error) {
	start := time.Now()
	machines := slices.DeleteFunc(pointers(c.Machines), func(m *vm.Machine) bool {
		return len(names) > 0 && !slices.Contains(names, m.Name)
	})
	if err := each(machines, func(m *vm.Machine) error { return d.thawPaused(ctx, c, m, frozen) }); err != nil {
		return time.Time{}, err
	}
	zap.L().Debug("machines are restored", zap.String("cluster", c.Name), zap.Duration("took", time.Since(start)))
	resumed, err := d.resume(ctx, c, machines)
	if err != nil {
		return resumed, err
	}
	return resumed, each(machines, func(m *vm.Machine) error {
		if len(names) > 0 {
			if err := d.cutConnections(ctx, c, m); err != nil {
				return err
			}
		}
		if err := d.openWay(ctx, c, m); err != nil {
			return err
		}
		return d.catchUp(ctx, c, m)
	})
}

// cutConnections ends at once what a machine that was restored alone believes
// to be connections to API servers, which have moved past them. Else its
// kubelet finds out after 45 s (30 of silence, 15 without an answer), and its
// node is lost meanwhile.
func (d *Driver) cutConnections(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	_, err := d.Exec(ctx, c, m.Name, "/usr/bin/ss", "-K", "dport", "=", strconv.Itoa(apiPort))
	return err
}

// resume lets machines go on together and sets their clocks. It returns when
// they began to run.
func (d *Driver) resume(ctx context.Context, c *vm.Cluster, machines []*vm.Machine) (time.Time, error) {
	resumed := time.Now()
	if err := each(machines, func(m *vm.Machine) error { return d.hypervisor.Resume(m.UUID) }); err != nil {
		return time.Time{}, err
	}
	return resumed, each(machines, func(m *vm.Machine) error { return d.setClock(ctx, c, m) })
}

// setClock sets the clock of a machine that was just resumed; it stood still
// while the machine was frozen. The agent's channel opens a moment after, and the
// agent answers when its processors have their turn: beside another machine and a
// compiler, on two cores, it once took longer than a command may.
func (d *Driver) setClock(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	var last error
	for {
		start := time.Now()
		err := d.SetTime(ctx, c, m.Name, start)
		zap.L().Debug("set the clock", zap.String("machine", m.Name), zap.Duration("took", time.Since(start)), zap.Error(err))
		if err == nil {
			return nil
		}
		if !passes(err) || ctx.Err() != nil {
			return fmt.Errorf("set the clock of %s: %w", m.Name, errors.Join(err, last))
		}
		last = err
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// thawPaused makes one machine that is about to run.
func (d *Driver) thawPaused(ctx context.Context, c *vm.Cluster, m *vm.Machine, frozen string) error {
	dir := machineFile(frozen, m.Name, "")
	kept, err := d.keptIn(dir)
	if err != nil {
		return err
	}
	if kept == nil {
		return fmt.Errorf("there is neither %s nor %s in %s: the golden snapshot is damaged, take cluster %q down and up again",
			deviceFile, savedFile, dir, c.Name)
	}
	if err := d.discard(ctx, c, m); err != nil {
		return err
	}
	return d.startKept(ctx, c, m, kept, dir)
}

// startKept defines a machine and, where a form is given, starts it, paused, in
// the state that is kept in a directory.
func (d *Driver) startKept(ctx context.Context, c *vm.Cluster, m *vm.Machine, kept form, dir string) error {
	img, err := image.Open(d.home, c.Image)
	if err != nil {
		return err
	}
	boot, err := d.ensureDisks(ctx, c, m, img)
	if err != nil {
		return fmt.Errorf("disks of %s: %w", m.Name, err)
	}
	cold, err := domainXML(c, m, boot, memory{})
	if err != nil {
		return err
	}
	if err := d.hypervisor.Define(cold); err != nil {
		return fmt.Errorf("define %s: %w", m.Name, err)
	}
	if kept == nil {
		return nil
	}
	return kept.start(ctx, c, m, boot, dir)
}

// discard throws away what exists of a machine of ours.
func (d *Driver) discard(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	d = d.at(m)
	dom, err := d.domain(ctx, m.UUID)
	if err != nil && !errors.Is(err, errNoDomain) {
		return err
	}
	if err == nil {
		if dom.Owner.ClusterID != c.ID {
			return fmt.Errorf("domain %q is not of cluster %q: not touched", dom.Name, c.Name)
		}
		if err := d.remove(m.UUID); err != nil {
			return fmt.Errorf("remove %s: %w", m.Name, err)
		}
	}
	if d.remote != nil {
		return d.remote.drop(ctx, c.ID, "machines", m.Name)
	}
	return store.RemoveFile(machineFile(c.Dir, m.Name, rootOverlay))
}

// each runs fn for machines side by side. The error is that of all.
func each(machines []*vm.Machine, fn func(*vm.Machine) error) error {
	errs := make([]error, len(machines))
	var group sync.WaitGroup
	for i, m := range machines {
		group.Go(func() { errs[i] = fn(m) })
	}
	group.Wait()
	return errors.Join(errs...)
}

func pointers(machines []vm.Machine) []*vm.Machine {
	all := make([]*vm.Machine, len(machines))
	for i := range machines {
		all[i] = &machines[i]
	}
	return all
}
