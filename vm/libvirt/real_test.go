package libvirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"axolotl/internal/check"
	"axolotl/internal/store"
	"axolotl/vm"
)

// realDriver is a driver of this host's libvirt, with directories that QEMU's
// user may enter.
func realDriver(t *testing.T) *Driver {
	t.Helper()
	if testing.Short() {
		t.Skip("starts small guests")
	}
	dir, err := os.MkdirTemp("", "axolotl-real-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	d := New(store.Home{State: filepath.Join(dir, "state"), Cache: filepath.Join(dir, "cache")}, "")
	d.restore = ""
	if _, err := d.hypervisor.Version(); err != nil {
		t.Skip(err)
	}
	return d
}

// On a libvirt that confines QEMU by nothing but its user, memory can be mapped:
// all that a proof asks of the real one is as it is written here.
func TestRealMapping(t *testing.T) {
	d := realDriver(t)
	spec := vm.Spec{Accel: AccelTCG}
	form, why, err := d.Form(t.Context(), &spec, nil)
	t.Logf("%s: %s", form, why)
	if err != nil {
		t.Fatal(err)
	}
	if form != vm.Mapped && !confines(t, d) {
		t.Errorf("kept as %s: %s", form, why)
	}
	start := time.Now()
	if again, _, err := d.Form(t.Context(), &spec, nil); err != nil || again != form || form == vm.Mapped && time.Since(start) > time.Second {
		t.Errorf("then %s after %s, %v", again, time.Since(start), err)
	}
}

// confines tells whether libvirt confines QEMU to files.
func confines(t *testing.T, d *Driver) bool {
	t.Helper()
	conn, err := d.hypervisor.(*connection).open()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // only a reference
	text, err := conn.GetCapabilities()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(text, "<model>apparmor</model>") || strings.Contains(text, "<model>selinux</model>")
}

// smallCluster is a cluster of one machine that is a small guest, with all the
// devices of a real one.
func smallCluster(t *testing.T, d *Driver) (*vm.Cluster, *vm.Machine, bootFiles) {
	t.Helper()
	id := uuid.NewString()
	c := &vm.Cluster{
		Name: "real-" + id[:8], ID: id, Image: "none",
		Spec: vm.Spec{ControlPlanes: 1, CPUs: 1, MemoryMiB: guestMiB, DiskGiB: 1, Accel: AccelTCG},
	}
	c.Dir = d.home.Cluster(c.Name)
	if err := d.Plan(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	m := &c.Machines[0]
	dir := machineFile(c.Dir, m.Name, "")
	boot := bootFiles{Kernel: filepath.Join(dir, "kernel"), Root: filepath.Join(dir, rootOverlay), Seed: filepath.Join(dir, seedFile), Agent: d.agentSocket(m.UUID)}
	base := filepath.Join(dir, "base")
	err := errors.Join(os.MkdirAll(dir, 0o755), d.makeAgentDir(boot.Agent),
		os.WriteFile(boot.Kernel, smallGuest(), 0o644), os.WriteFile(boot.Seed, make([]byte, 10240), 0o600), //nolint:gosec // QEMU's user reads it
		os.WriteFile(base, nil, 0o600), os.Truncate(base, 1<<20), makeOverlay(t.Context(), boot.Root, base, "raw", c.Spec.DiskGiB))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.remove(m.UUID); err != nil {
			t.Error(err)
		}
	})
	return c, m, boot
}

// counted is how far a small guest has counted.
func counted(d *Driver, uuid string) (int64, error) {
	var text string
	err := d.monitor(uuid, "human-monitor-command", map[string]any{"command-line": fmt.Sprintf("xp /1wx 0x%x", guestCounter)}, &text)
	if err != nil {
		return 0, err
	}
	_, word, _ := strings.Cut(strings.TrimSpace(text), ": ")
	return strconv.ParseInt(word, 0, 64)
}

// runsOn has a small guest go on, and waits until it has counted further.
func runsOn(ctx context.Context, d *Driver, uuid string, from int64) error {
	if err := d.hypervisor.Resume(uuid); err != nil {
		return err
	}
	return check.Wait(ctx, check.Func("the guest counts", func(context.Context) error {
		n, err := counted(d, uuid)
		if err == nil && n <= from {
			err = fmt.Errorf("it is at %d", n)
		}
		return err
	}), 20*time.Millisecond, nil)
}

// A machine with all devices of ours is saved by the real libvirt, goes on, and
// another, with another name, UUID, disks, ports and directory, goes on from
// where it was, to the number.
func TestRealSaveImage(t *testing.T) {
	d := realDriver(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	form := savedForm{d}
	kept := d.home.State
	c, m, boot := smallCluster(t, d)
	text, err := domainXML(c, m, boot, memory{})
	if err != nil {
		t.Fatal(err)
	}
	var at int64
	_, err = d.hypervisor.BootsAndPowersOff(ctx, text, func(uuid string) error {
		if err := runsOn(ctx, d, uuid, 0); err != nil {
			return err
		}
		if err := d.hypervisor.Pause(uuid); err != nil {
			return err
		}
		if at, err = counted(d, uuid); err != nil {
			return err
		}
		if err := form.keep(ctx, m, kept); err != nil {
			return err
		}
		if dom, err := d.hypervisor.Domain(uuid); err != nil || dom.State != vm.MachinePaused {
			t.Errorf("it was saved and is %s, %v", dom.State, err)
		}
		if n, err := counted(d, uuid); err != nil || n != at {
			t.Errorf("it was at %d, and is at %d: %v", at, n, err)
		}
		if err := runsOn(ctx, d, uuid, at); err != nil {
			return err
		}
		return errFrozen
	})
	if !errors.Is(err, errFrozen) {
		t.Fatal(err)
	}
	if _, err := d.hypervisor.Domain(m.UUID); !errors.Is(err, errNoDomain) {
		t.Errorf("the first is there: %v", err)
	}

	c, m, boot = smallCluster(t, d)
	if text, err = domainXML(c, m, boot, memory{}); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := errors.Join(d.hypervisor.Define(text), form.start(ctx, c, m, boot, kept)); err != nil {
		t.Fatal(err)
	}
	t.Logf("restored after %s, at %d", time.Since(start), at)
	dom, err := d.hypervisor.Domain(m.UUID)
	if err != nil || dom.State != vm.MachinePaused || dom.Name != domainName(c, m) || dom.Owner.ClusterID != c.ID {
		t.Errorf("%+v, %v", dom, err)
	}
	if n, err := counted(d, m.UUID); err != nil || n != at {
		t.Errorf("it was saved at %d, and is at %d: %v", at, n, err)
	}
	if err := runsOn(ctx, d, m.UUID, at); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(machineFile(c.Dir, m.Name, savedCopy)); err == nil {
		t.Error("the copy is left")
	}
	if err := d.hypervisor.Destroy(m.UUID); err != nil {
		t.Error(err)
	}
	if dom, err := d.hypervisor.Domain(m.UUID); err != nil || dom.State != vm.MachineStopped {
		t.Errorf("there is no record to start it by the next time: %+v, %v", dom, err)
	}
	if err := d.remove(m.UUID); err != nil {
		t.Error(err)
	}
	if _, err := d.hypervisor.Domain(m.UUID); !errors.Is(err, errNoDomain) {
		t.Errorf("the second is there: %v", err)
	}
}
