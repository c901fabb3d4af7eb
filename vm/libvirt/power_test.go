package libvirt

import (
	"strings"
	"testing"

	"libvirt.org/go/libvirt"

	"axolotl/vm"
)

// powerCases are what can be done with a machine's power and processors: from
// which states it leads to which.
var powerCases = []struct {
	name string
	do   func(*world, *vm.Cluster, string) error
	from []vm.MachineState
	to   vm.MachineState
	not  []vm.MachineState // from which it is an error
}{
	{"power off", func(w *world, c *vm.Cluster, m string) error { return w.driver().PowerOff(w.t.Context(), c, m) },
		[]vm.MachineState{vm.MachineRunning, vm.MachinePaused, vm.MachineCrashed, vm.MachineStopped}, vm.MachineStopped, nil},
	{"power on", func(w *world, c *vm.Cluster, m string) error { return w.driver().PowerOn(w.t.Context(), c, m) },
		[]vm.MachineState{vm.MachineStopped, vm.MachineRunning, vm.MachineCrashed}, vm.MachineRunning, nil},
	{"reset", func(w *world, c *vm.Cluster, m string) error { return w.driver().Reset(w.t.Context(), c, m) },
		[]vm.MachineState{vm.MachineRunning, vm.MachinePaused, vm.MachineCrashed, vm.MachineStopped}, vm.MachineRunning, nil},
	{"pause", func(w *world, c *vm.Cluster, m string) error { return w.driver().Pause(w.t.Context(), c, m) },
		[]vm.MachineState{vm.MachineRunning, vm.MachinePaused}, vm.MachinePaused,
		[]vm.MachineState{vm.MachineStopped, vm.MachineCrashed}},
	{"resume", func(w *world, c *vm.Cluster, m string) error { return w.driver().Resume(w.t.Context(), c, m) },
		[]vm.MachineState{vm.MachinePaused, vm.MachineRunning}, vm.MachineRunning,
		[]vm.MachineState{vm.MachineStopped, vm.MachineCrashed}},
}

// become puts a machine into a state behind our back.
func (w *world) become(uuid string, state vm.MachineState) {
	w.fake.happen(func() {
		d := w.fake.domains[uuid]
		d.state = state
		if state == vm.MachineStopped {
			d.running = ""
		}
	})
}

func TestPowerAtEveryCall(t *testing.T) {
	for _, test := range powerCases {
		for _, from := range test.from {
			t.Run(test.name+" of "+string(from), func(t *testing.T) {
				w := newWorld(t)
				work{
					before: func(w *world) {
						w.must(w.up(w.options("c", spec(1))))
						w.become(w.load("c").Machines[1].UUID, from)
					},
					run: func(w *world) error { return test.do(w, w.load("c"), "worker-1") },
				}.everyCall(t, w, func(w *world) {
					c := w.load("c")
					if got := w.fake.domains[c.Machines[1].UUID].state; got != test.to {
						t.Errorf("it is %s", got)
					}
					if got := w.fake.domains[c.Machines[0].UUID].state; got != vm.MachineRunning {
						t.Errorf("the other one is %s", got)
					}
				})
			})
		}
	}
}

// FAULTS.md 15: a machine whose host had no space left is shown as such, and goes on
// where it was: it is neither started anew nor thrown away.
func TestMachinePausedByAFullDisk(t *testing.T) {
	state, reason := machineState(libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_IOERROR))
	if state != vm.MachinePaused || !strings.Contains(reason, "no space left") {
		t.Errorf("%s, %q", state, reason)
	}
	if state, reason := machineState(libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_USER)); state != vm.MachinePaused || reason != "paused" {
		t.Errorf("by a person: %s, %q", state, reason)
	}
	for name, goOn := range map[string]func(w *world, c *vm.Cluster) error{
		"up": func(w *world, _ *vm.Cluster) error { return w.up(w.options("c", spec(1))) },
		"node start": func(w *world, c *vm.Cluster) error { // of one that is paused
			return w.driver().Resume(t.Context(), c, "worker-1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.must(w.up(w.options("c", spec(1))))
			w.healthy("c")
			c := w.load("c")
			m := w.fake.domains[c.Machines[1].UUID]
			w.fake.happen(func() { m.state, m.reason = vm.MachinePaused, reason })
			states, err := w.driver().Machines(t.Context(), c)
			w.must(err)
			if s := states[1]; s.State != vm.MachinePaused || s.Reason != reason || states[0].Reason != "" {
				t.Errorf("%+v", states)
			}
			w.fake.arm(0, "")
			w.must(goOn(w, c))
			if m.state != vm.MachineRunning || m.clock.IsZero() {
				t.Errorf("it is %s, clock %s", m.state, m.clock)
			}
			for _, call := range w.fake.calls {
				if call == "Destroy "+m.name || call == "Start "+m.name {
					t.Errorf("it did not go on where it was: %s", call)
				}
			}
		})
	}
}

func TestPowerRefused(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(0))))
	c := w.load("c")
	m := c.Machines[0].UUID
	for _, test := range powerCases {
		for _, from := range test.not {
			w.become(m, from)
			if err := test.do(w, c, "cp-1"); err == nil {
				t.Errorf("%s of one that is %s: no error", test.name, from)
			}
			if got := w.fake.domains[m].state; got != from {
				t.Errorf("%s: %s became %s", test.name, from, got)
			}
		}
		if err := test.do(w, c, "cp-2"); err == nil || !strings.Contains(err.Error(), `has no machine "cp-2"`) {
			t.Errorf("%s of a machine that is none: %v", test.name, err)
		}
	}
	// Somebody has put a domain of his own in its place.
	w.fake.domains[m].owner.ClusterID = "another"
	for _, test := range powerCases {
		w.fake.arm(0, "")
		if err := test.do(w, c, "cp-1"); err == nil || !strings.Contains(err.Error(), "not touched") {
			t.Errorf("%s of a foreign domain: %v", test.name, err)
		}
		if len(w.fake.calls) != 1 {
			t.Errorf("%s of a foreign domain: %q", test.name, w.fake.calls)
		}
	}
	delete(w.fake.domains, m)
	for _, test := range powerCases {
		if err := test.do(w, c, "cp-1"); err == nil || !strings.Contains(err.Error(), "'axolotl up c'") {
			t.Errorf("%s of a machine that is gone: %v", test.name, err)
		}
	}
}

// The clock of a machine whose resume was cut short is set by the next one; a
// machine that boots has no agent yet, and needs none.
func TestResumeOfARunningMachine(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(0))))
	c := w.load("c")
	d := w.fake.domains[c.Machines[0].UUID]
	w.must(w.driver().Resume(t.Context(), c, "cp-1"))
	if d.clock.IsZero() {
		t.Error("its clock was not set")
	}
	w.fake.silence = d.heard + 1
	if err := w.driver().Resume(t.Context(), c, "cp-1"); err != nil {
		t.Error(err)
	}
}
