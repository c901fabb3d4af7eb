package libvirt

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"axolotl/vm"
	"axolotl/vm/cluster"
)

// stranger is a domain that is not ours, or of another cluster.
func (w *world) stranger(name, uuid string, owner metadata) *fakeDomain {
	d := &fakeDomain{name: name, uuid: uuid, owner: owner, record: "<domain/>", running: "<domain/>", state: vm.MachineRunning}
	w.fake.domains[uuid] = d
	return d
}

func assertLeftAlone(t *testing.T, w *world, d *fakeDomain, before fakeDomain) {
	t.Helper()
	if w.fake.domains[before.uuid] != d || !reflect.DeepEqual(*d, before) {
		t.Errorf("the foreign domain was touched: %+v, was %+v", w.fake.domains[before.uuid], before)
	}
}

// A foreign domain that merely has our name is refused by up, with what to do,
// and neither up nor down nor recreate touches it.
func TestForeignDomainWithOurName(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	d := w.stranger("axolotl-c-worker-1", "11111111-1111-4111-8111-111111111111", metadata{})
	before := *d
	for name, up := range map[string]func() error{
		"cold":     func() error { return w.up(w.options("c", spec(1))) },
		"restored": func() error { return w.up(w.restored("c", spec(1))) },
	} {
		t.Run(name, func(t *testing.T) {
			err := up()
			if !errors.Is(err, errNameTaken) || !strings.Contains(err.Error(), "worker-1") || !strings.Contains(err.Error(), before.uuid) {
				t.Errorf("error %v", err)
			}
			assertLeftAlone(t, w, d, before)
			if err := w.recreate(w.restored("c", spec(1))); !errors.Is(err, errNameTaken) {
				t.Errorf("recreate: %v", err)
			}
			assertLeftAlone(t, w, d, before)
			w.must(w.down("c"))
			assertLeftAlone(t, w, d, before)
			if len(w.fake.domains) != 1 {
				t.Errorf("%d domains are left", len(w.fake.domains))
			}
		})
	}
}

// A foreign domain with the UUID of one of our machines: somebody has defined
// it after ours was gone.
func TestForeignDomainWithOurUUID(t *testing.T) {
	for name, golden := range map[string]bool{"cold": false, "restored": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			options := w.options("c", spec(0))
			if golden {
				w.golden(spec(0))
				options = w.restored("c", spec(0))
			}
			w.must(w.up(options))
			m := w.load("c").Machines[0]
			d := w.stranger("a-vm-of-mine", m.UUID, metadata{})
			before := *d
			for what, do := range map[string]func() error{
				"up": func() error { return w.up(options) }, "recreate": func() error { return w.recreate(options) },
			} {
				if err := do(); err == nil || !strings.Contains(err.Error(), "a-vm-of-mine") {
					t.Errorf("%s: %v", what, err)
				}
				assertLeftAlone(t, w, d, before)
			}
			w.must(w.down("c"))
			assertLeftAlone(t, w, d, before)
		})
	}
}

// Another user's cluster of the same name has another ID.
func TestClusterOfTheSameNameElsewhere(t *testing.T) {
	w := newWorld(t)
	d := w.stranger("axolotl-other", "11111111-1111-4111-8111-111111111111",
		metadata{ClusterID: "elsewhere", Cluster: "c", Machine: "cp-1", Dir: "/home/other/clusters/c"})
	before := *d
	w.must(w.up(w.options("c", spec(0))))
	w.must(w.down("c"))
	assertLeftAlone(t, w, d, before)

	// Also where only the name is known any more.
	w.must(w.up(w.options("c", spec(0))))
	w.must(os.WriteFile(w.home.Cluster("c")+"/"+vm.RecordFile, []byte("{"), 0o600))
	w.must(w.down("c"))
	assertLeftAlone(t, w, d, before)
	if len(w.fake.domains) != 1 {
		t.Errorf("%d domains are left", len(w.fake.domains))
	}
}

// A domain that QEMU runs and of which libvirt has lost the record is ours
// nevertheless.
func TestDownOfATransientDomain(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(1))))
	w.must(w.fake.Undefine(w.load("c").Machines[0].UUID))
	gone(w)
}

// The state directory was deleted by hand and the machines still run: down
// finds them by what their metadata says, at every call.
func TestDownWithoutARecord(t *testing.T) {
	w := newWorld(t)
	work{
		before: func(w *world) {
			w.must(w.up(w.options("c", spec(1))))
			w.must(os.RemoveAll(w.home.Cluster("c")))
		},
		run: func(w *world) error { return w.down("c") },
		again: func(w *world) error {
			err := w.down("c")
			if missing := (*cluster.NotFoundError)(nil); errors.As(err, &missing) {
				return nil // nothing is left of it
			}
			return err
		},
		lost: true,
	}.everyCall(t, w, func(w *world) { w.assertEmpty() })
}

func TestMachines(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(3))))
	c := w.load("c")
	w.become(c.Machines[1].UUID, vm.MachinePaused)
	w.become(c.Machines[2].UUID, vm.MachineCrashed)
	delete(w.fake.domains, c.Machines[3].UUID)
	statuses, err := w.driver().Machines(t.Context(), c)
	w.must(err)
	want := []vm.MachineStatus{
		{Name: "cp-1", State: vm.MachineRunning}, {Name: "worker-1", State: vm.MachinePaused},
		{Name: "worker-2", State: vm.MachineCrashed},
		{Name: "worker-3", State: vm.MachineMissing, Reason: "libvirt has no such domain"},
	}
	for i := range want {
		if i >= len(statuses) || statuses[i] != want[i] {
			t.Fatalf("%+v, want %+v", statuses, want)
		}
	}
}
