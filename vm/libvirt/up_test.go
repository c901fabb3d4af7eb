package libvirt

import (
	"strings"
	"testing"

	"axolotl/vm"
)

// gone takes a cluster down and sees to it that nothing is left of it.
func gone(w *world) {
	w.t.Helper()
	w.must(w.down("c"))
	w.assertEmpty()
}

func TestColdUpAtEveryCall(t *testing.T) {
	w := newWorld(t)
	work{run: func(w *world) error { return w.up(w.options("c", spec(1))) }}.everyCall(t, w, gone)
}

func TestRestoredUpAtEveryCall(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		w.golden(spec(1))
		work{run: func(w *world) error { return w.up(w.restored("c", spec(1))) }}.everyCall(t, w, gone)
	})
}

// What an up has left that was killed or failed, down removes.
func TestDownOfAHalfMadeCluster(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	for name, options := range map[string]func() error{
		"cold":     func() error { return w.up(w.options("c", spec(1))) },
		"restored": func() error { return w.up(w.restored("c", spec(1))) },
	} {
		t.Run(name, func(t *testing.T) {
			work{
				run: func(*world) error { return options() },
				again: func(w *world) error {
					if len(w.known()) == 0 {
						return nil // it went wrong before anything was recorded
					}
					return w.down("c")
				},
			}.everyCall(t, w, func(w *world) { w.assertEmpty() })
		})
	}
}

func TestDownAtEveryCall(t *testing.T) {
	w := newWorld(t)
	work{
		before: func(w *world) { w.must(w.up(w.options("c", spec(2)))); w.healthy("c") },
		run:    func(w *world) error { return w.down("c") },
	}.everyCall(t, w, func(w *world) { w.assertEmpty() })
}

// break each machine of cluster c in a way of its own.
func wreck(w *world) {
	c := w.load("c")
	states := []vm.MachineState{vm.MachineStopped, vm.MachinePaused, vm.MachineCrashed}
	for i, m := range c.Machines {
		d := w.fake.domains[m.UUID]
		switch d.state = states[i%len(states)]; d.state {
		case vm.MachineStopped:
			d.running = ""
		case vm.MachinePaused:
			d.clock = d.clock.Add(-1)
		}
	}
}

// The host was rebooted, a machine was paused, a guest has crashed: the same
// machines run again, from their disks.
func TestUpOfWhatDoesNotRun(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(2))
	work{
		before: func(w *world) { w.must(w.up(w.restored("c", spec(2)))); w.healthy("c"); wreck(w) },
		run:    func(w *world) error { return w.up(w.restored("c", spec(2))) },
	}.everyCall(t, w, func(w *world) {
		for _, m := range w.load("c").Machines {
			if d := w.fake.domains[m.UUID]; d.state != vm.MachineRunning {
				t.Errorf("%s is %s", m.Name, d.state)
			}
		}
	})
}

// One machine is unknown to libvirt, the disk of another is gone, the rest is
// in disorder. An interrupted recreate is completed by up, and by recreate.
func TestRecreateAtEveryCall(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		w.golden(spec(2))
		before := func(w *world) {
			w.must(w.up(w.restored("c", spec(2))))
			w.healthy("c")
			wreck(w)
			c := w.load("c")
			w.must(w.fake.Destroy(c.Machines[2].UUID))
			w.must(w.fake.Undefine(c.Machines[2].UUID))
			w.remove(machineFile(c.Dir, c.Machines[1].Name, rootOverlay))
		}
		recreate := func(w *world) error { return w.recreate(w.restored("c", spec(2))) }
		times := 0
		again := func(w *world) error {
			if times++; times%2 == 0 {
				return recreate(w)
			}
			return w.up(w.restored("c", spec(2)))
		}
		work{before: before, run: recreate, again: again}.everyCall(t, w, gone)
	})
}

// A machine that was restored keeps its ports, its identity and its disk over
// the golden snapshot's when it is recreated; its state is that of its own kind.
func TestRecreatedIsTheSame(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		w.golden(spec(1))
		w.must(w.up(w.restored("c", spec(1))))
		w.healthy("c")
		first := w.load("c")
		w.must(w.recreate(w.restored("c", spec(1))))
		second := w.load("c")
		if first.ID != second.ID || first.APIPort != second.APIPort || len(first.Machines) != len(second.Machines) {
			t.Errorf("%+v became %+v", first, second)
		}
		for i, m := range second.Machines {
			if m != first.Machines[i] {
				t.Errorf("machine %+v became %+v", first.Machines[i], m)
			}
			d := w.fake.domains[m.UUID]
			if d.clock.IsZero() || d.incoming || d.state != vm.MachineRunning {
				t.Errorf("%s: %+v", m.Name, d)
			}
			if strings.Contains(d.record, "-incoming") || strings.Contains(d.record, "mem-path") {
				t.Errorf("%s would be restored once more when it is started: %s", m.Name, d.record)
			}
		}
	})
}
