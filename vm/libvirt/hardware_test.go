package libvirt

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"axolotl/vm"
)

var (
	someLimits = vm.DiskLimits{vm.LimitIOPS: 100, "total_iops_sec_max": 200, "total_iops_sec_max_length": 2}
	someQuota  = vm.CPULimit{Period: 100 * time.Millisecond, Quota: 20 * time.Millisecond}
)

// hardwareCases are what can be done to a machine's devices while it runs.
var hardwareCases = []struct {
	name string
	do   func(*world, *vm.Cluster, string) error
	done func(hardware) bool
}{
	{"link down", func(w *world, c *vm.Cluster, m string) error {
		return w.driver().SetLink(w.t.Context(), c, m, vm.SegmentCard, false)
	}, func(h hardware) bool { return h.down["axoseg"] && len(h.down) == 1 }},
	{"the other link down", func(w *world, c *vm.Cluster, m string) error {
		return w.driver().SetLink(w.t.Context(), c, m, vm.OutsideCard, false)
	}, func(h hardware) bool { return h.down["axouser"] && len(h.down) == 1 }},
	{"limits", func(w *world, c *vm.Cluster, m string) error {
		return w.driver().SetDiskLimits(w.t.Context(), c, m, someLimits)
	}, func(h hardware) bool { return maps.Equal(h.limits, someLimits) }},
	{"broken disk", func(w *world, c *vm.Cluster, m string) error { return w.driver().BreakDisk(w.t.Context(), c, m) },
		func(h hardware) bool { return h.drive == brokenNode }},
	{"quota", func(w *world, c *vm.Cluster, m string) error {
		return w.driver().SetCPULimit(w.t.Context(), c, m, someQuota)
	}, func(h hardware) bool { return h.cpu == someQuota }},
}

// TestHardwareAtEveryCall: whatever call goes wrong, the next try ends as a
// clean one does, and so does one where it is so already; the machine runs on,
// and the other one is not touched. With the power goes what was done.
func TestHardwareAtEveryCall(t *testing.T) {
	for _, test := range hardwareCases {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			do := func(w *world) error { return test.do(w, w.load("c"), "worker-1") }
			work{
				before: func(w *world) { w.must(w.up(w.options("c", spec(1)))) },
				run:    do, again: do,
			}.everyCall(t, w, func(w *world) {
				machines := w.load("c").Machines
				d, other := w.fake.domains[machines[1].UUID], w.fake.domains[machines[0].UUID]
				if !test.done(d.hardware) || d.state != vm.MachineRunning {
					t.Errorf("it is %s: %+v", d.state, d.hardware)
				}
				if test.done(other.hardware) {
					t.Errorf("the other one: %+v", other.hardware)
				}
				w.must(w.fake.Destroy(d.uuid))
				w.must(w.fake.Start(d.uuid))
				if test.done(d.hardware) {
					t.Errorf("started again: %+v", d.hardware)
				}
			})
		})
	}
}

// TestHardwareRefused: nothing is done to what is off, is nobody's or another's.
func TestHardwareRefused(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(0))))
	c := w.load("c")
	d := w.fake.domains[c.Machines[0].UUID]
	for _, test := range hardwareCases {
		for _, state := range []vm.MachineState{vm.MachineStopped, vm.MachineCrashed} {
			w.become(d.uuid, state)
			if err := test.do(w, c, "cp-1"); !errors.Is(err, vm.ErrMachineOff) || !strings.Contains(err.Error(), "'axolotl up c'") {
				t.Errorf("%s of one that is %s: %v", test.name, state, err)
			}
		}
		if err := test.do(w, c, "cp-2"); err == nil || !strings.Contains(err.Error(), `has no machine "cp-2"`) {
			t.Errorf("%s of a machine that is none: %v", test.name, err)
		}
	}
	w.must(w.fake.Destroy(d.uuid))
	w.must(w.fake.Start(d.uuid))
	d.owner.ClusterID = "another"
	for _, test := range hardwareCases {
		w.fake.arm(0, "")
		if err := test.do(w, c, "cp-1"); err == nil || !strings.Contains(err.Error(), "not touched") || len(w.fake.calls) != 1 {
			t.Errorf("%s of a foreign domain: %v, %q", test.name, err, w.fake.calls)
		}
	}
}

func TestNoSuchCardAndNoSuchLimit(t *testing.T) {
	w, d, _ := running(t)
	c := w.load("c")
	if err := d.SetLink(t.Context(), c, "cp-1", "wireless", false); err == nil || !strings.Contains(err.Error(), `use "segment"`) {
		t.Errorf("error %v", err)
	}
	if err := d.SetDiskLimits(t.Context(), c, "cp-1", vm.DiskLimits{"mood": 1}); err == nil || !strings.Contains(err.Error(), `"mood"`) {
		t.Errorf("error %v", err)
	}
}

// TestTuneNamesEveryLimit: libvirt may keep one that is not named, and then what
// was there before would not be restored.
func TestTuneNamesEveryLimit(t *testing.T) {
	tune, err := tuneOf(someLimits)
	if err != nil {
		t.Fatal(err)
	}
	back := vm.DiskLimits{}
	for name, field := range tuneFields(tune) {
		if !*field.set {
			t.Errorf("%s is not named", name)
		}
		if *field.value != 0 {
			back[name] = *field.value
		}
	}
	if !maps.Equal(back, someLimits) || tune.TotalIopsSec != 100 {
		t.Errorf("%v became %v", someLimits, back)
	}
}

// TestDiskErrors counts those of reads and of writes, of a disk that fails.
func TestDiskErrors(t *testing.T) {
	w, d, _ := running(t)
	c := w.load("c")
	if broken, failed, err := d.DiskErrors(t.Context(), c, "cp-1"); err != nil || broken || failed != 0 {
		t.Errorf("a sound disk: %t, %d, %v", broken, failed, err)
	}
	w.must(d.BreakDisk(t.Context(), c, "cp-1"))
	if broken, failed, err := d.DiskErrors(t.Context(), c, "cp-1"); err != nil || !broken || failed != 3 {
		t.Errorf("a broken disk: %t, %d, %v", broken, failed, err)
	}
}

// A libvirt without control groups says so before anything is done.
func TestCanLimitCPU(t *testing.T) {
	w, d, uuid := running(t)
	c := w.load("c")
	w.must(d.CanLimitCPU(t.Context(), c))
	w.fake.noQuota = true
	if err := d.CanLimitCPU(t.Context(), c); !errors.Is(err, errNoQuota) || !strings.Contains(err.Error(), "qemu:///system") {
		t.Errorf("without control groups: %v", err)
	}
	w.become(uuid, vm.MachineStopped)
	w.must(d.CanLimitCPU(t.Context(), c))
	delete(w.fake.domains, uuid)
	if err := d.CanLimitCPU(t.Context(), c); !errors.Is(err, errNoDomain) {
		t.Errorf("of a machine that is gone: %v", err)
	}
}
