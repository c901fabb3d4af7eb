package libvirt

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

// building makes a cluster that is to be frozen, and starts it.
func (w *world) building(spec vm.Spec, name string) *vm.Cluster {
	w.t.Helper()
	d := w.driver()
	c := &vm.Cluster{
		Name: name, ID: uuid.NewString(), Driver: Name, Spec: spec, Phase: vm.PhaseCreating,
		Dir: w.home.Cluster(name),
	}
	if w.restore == vm.Mapped {
		c.SharedMemory = filepath.Join(w.home.State, "shared-memory")
	}
	w.must(d.Plan(w.t.Context(), c))
	w.must(w.clusters().Save(c))
	w.must(cluster.Run(w.t.Context(), quiet, d.Up(c)))
	for _, m := range c.Machines {
		if c.SharedMemory != "" {
			w.must(os.WriteFile(sharedMemory(c, m.Name), []byte("memory of "+m.Name), 0o600))
		}
	}
	return c
}

// inEachForm has a test see to both forms in which machines are kept.
func inEachForm(t *testing.T, do func(*testing.T, *world)) {
	t.Helper()
	for _, form := range []vm.Form{vm.Mapped, vm.Saved} {
		t.Run(string(form), func(t *testing.T) {
			w := newWorld(t)
			w.restore = form
			do(t, w)
		})
	}
}

// golden makes a golden snapshot for a spec, on a host where nothing else is.
func (w *world) golden(spec vm.Spec) {
	w.t.Helper()
	w.goldenBeside(spec)
	w.must(os.RemoveAll(w.home.State))
}

// goldenBeside makes a golden snapshot, as the room above does.
func (w *world) goldenBeside(spec vm.Spec) {
	w.t.Helper()
	d := w.driver()
	id, err := d.Shape(w.t.Context(), &spec, w.restore, quiet.Start("shape"))
	w.must(err)
	c := w.building(spec, "golden")
	w.must(d.Freeze(w.t.Context(), c))
	w.must(store.WriteJSON(c.Path("golden.json"), map[string]any{"id": id, "form": w.restore, "hardware": d.Hardware(), "created": time.Now(), "spec": spec, "image": c.Image}))
	w.must(os.MkdirAll(w.home.Goldens(), 0o755))
	w.must(os.Rename(c.Dir, w.home.Golden(id)))
}

// restored are the options for a cluster from a golden snapshot.
func (w *world) restored(name string, spec vm.Spec) cluster.UpOptions {
	options := w.options(name, spec)
	options.Cold = false
	return options
}

func (w *world) remove(path string) {
	w.t.Helper()
	w.must(os.Remove(path))
}

// What has gone wrong while machines were frozen is taken down, and the next
// build ends as if nothing had been.
func TestFreezeAtEveryCall(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		freeze := func(w *world) error { return w.driver().Freeze(t.Context(), w.load("frozen")) }
		work{
			before: func(w *world) { w.building(spec(1), "frozen") },
			run:    freeze,
			again: func(w *world) error {
				w.must(w.down("frozen"))
				w.must(os.RemoveAll(filepath.Join(w.home.State, "shared-memory")))
				w.assertEmpty()
				w.building(spec(1), "frozen")
				return freeze(w)
			},
		}.everyCall(t, w, nil)
	})
}

func TestFrozen(t *testing.T) {
	w := newWorld(t)
	c := w.building(spec(1), "frozen")
	w.must(w.driver().Freeze(t.Context(), c))
	if len(w.fake.domains) > 0 {
		t.Errorf("domains are left: %v", w.fake.domains)
	}
	for _, m := range c.Machines {
		for name, want := range map[string]string{memoryFile: "memory of " + m.Name, deviceFile: "state of " + m.Name + "\n"} {
			data, err := os.ReadFile(machineFile(c.Dir, m.Name, name))
			if err != nil || string(data) != want {
				t.Errorf("%s of %s: %q, %v", name, m.Name, data, err)
			}
		}
	}
}

// A state that QEMU could not write or read is told with QEMU's words.
func TestStateThatDoesNotMove(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(0))
	w.fake.migration = []string{"active", "failed"}
	err := w.up(w.restored("c", spec(0)))
	if err == nil || !strings.Contains(err.Error(), "restore cp-1: QEMU could not move the machine's state: failed by the test") {
		t.Errorf("error %v", err)
	}
	w.must(w.down("c"))
	c := w.building(spec(0), "frozen")
	err = w.driver().Freeze(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "save cp-1: QEMU could not move") {
		t.Errorf("error %v", err)
	}
}

// A machine's state is never read by another one, and a golden snapshot whose
// file is missing is an error that names it.
func TestThawOfWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	goldens, err := os.ReadDir(w.home.Goldens())
	w.must(err)
	dir := w.home.Golden(goldens[0].Name())
	w.remove(machineFile(dir, "worker-1", deviceFile))
	err = w.up(w.restored("c", spec(1)))
	if err == nil || !strings.Contains(err.Error(), "machines/worker-1: the golden snapshot is damaged") {
		t.Errorf("error %v", err)
	}
	w.must(store.CopySparse(t.Context(), machineFile(dir, "worker-1", deviceFile), machineFile(dir, "cp-1", deviceFile)))
	err = w.up(w.restored("c", spec(1)))
	if err == nil || !strings.Contains(err.Error(), "not the state of this machine") {
		t.Errorf("error %v", err)
	}
}

// Thaw of named machines leaves the others alone, and has the machine cut what
// it believes to be connections.
func TestThawOfOneMachine(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		w.golden(spec(2))
		w.must(w.up(w.restored("c", spec(2))))
		c := w.load("c")
		g := answering()
		w.fake.answer = g.answer
		before := map[string]*fakeDomain{}
		for uuid, d := range w.fake.domains {
			before[uuid] = d
		}
		resumed, err := w.driver().Thaw(t.Context(), c, w.home.Golden(c.Golden), "worker-2")
		if err != nil || resumed.IsZero() {
			t.Fatal(resumed, err)
		}
		if g.asked == 0 {
			t.Error("connections were not cut")
		}
		for _, m := range c.Machines {
			same := w.fake.domains[m.UUID] == before[m.UUID]
			if same != (m.Name != "worker-2") {
				t.Errorf("%s: the same domain: %t", m.Name, same)
			}
		}
	})
}

// The agent of a restored machine opens a moment after the resume.
func TestClockIsSetOnceTheAgentAnswers(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(0))
	w.fake.silence = 3
	start := time.Now()
	w.must(w.up(w.restored("c", spec(0))))
	clock := w.fake.domains[w.load("c").Machines[0].UUID].clock
	if clock.Before(start) || clock.After(time.Now()) {
		t.Errorf("clock is %s, began %s", clock, start)
	}
}

// Frozen machines fit only what they were frozen on.
func TestShape(t *testing.T) {
	w := newWorld(t)
	shape := func(change func(*vm.Spec)) string {
		s := spec(1)
		change(&s)
		id, err := w.driver().Shape(t.Context(), &s, vm.Mapped, quiet.Start("shape"))
		w.must(err)
		return id
	}
	first := shape(func(*vm.Spec) {})
	if again := shape(func(*vm.Spec) {}); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	for name, change := range map[string]func(*vm.Spec){
		"workers": func(s *vm.Spec) { s.Workers++ }, "cpus": func(s *vm.Spec) { s.CPUs++ },
		"memory": func(s *vm.Spec) { s.MemoryMiB++ }, "disk": func(s *vm.Spec) { s.DiskGiB++ },
		"control planes": func(s *vm.Spec) { s.ControlPlanes = 3 }, "acceleration": func(s *vm.Spec) { s.Accel = AccelKVM },
	} {
		if other := shape(change); other == first {
			t.Errorf("%s: the same shape", name)
		}
	}
	s := spec(1)
	if other, err := w.driver().Shape(t.Context(), &s, vm.Saved, quiet.Start("shape")); err != nil || other == first {
		t.Errorf("the two forms have one shape: %v", err)
	}
	d := w.driver()
	d.remote = &remote{host: "far"}
	if _, err := d.Shape(t.Context(), &s, vm.Mapped, quiet.Start("shape")); err == nil {
		t.Error("a shape for machines on another host")
	}
}

// What is wrong with each of several machines is told.
func TestEachTellsAll(t *testing.T) {
	machines := []vm.Machine{{Name: "cp-1"}, {Name: "worker-1"}, {Name: "worker-2"}}
	err := each(pointers(machines), func(m *vm.Machine) error {
		if m.Name == "cp-1" {
			return nil
		}
		return errors.New(m.Name + " is lost")
	})
	if err == nil || err.Error() != "worker-1 is lost\nworker-2 is lost" {
		t.Errorf("%v", err)
	}
}
