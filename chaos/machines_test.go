package chaos

import (
	"context"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/chaos/timeline"
	"axolotl/vm"
	"axolotl/vm/local"
)

// switched is a driver of one machine, of which it tells each state as it comes.
type switched struct {
	*local.Driver
	mu    sync.Mutex
	state vm.MachineState
	told  chan vm.MachineStatus
}

func (*switched) Traits() vm.Traits { return vm.Traits{RealMachines: true} }

func (d *switched) Machines(context.Context, *vm.Cluster) ([]vm.MachineStatus, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return []vm.MachineStatus{{Name: "n1", State: d.state}, {Name: "of nobody", State: vm.MachineStopped}}, nil
}

func (d *switched) Watch(context.Context, *vm.Cluster) (<-chan vm.MachineStatus, error) {
	return d.told, nil
}

// become has the machine be in another state; it returns when that was heard.
func (d *switched) become(state vm.MachineState) {
	d.mu.Lock()
	d.state = state
	d.mu.Unlock()
	d.told <- vm.MachineStatus{Name: "n1", State: state}
	d.told <- vm.MachineStatus{Name: "of nobody", State: state} // the one before is noted by now
}

// scripted is a fault that does what its functions say.
type scripted struct {
	fault.Fault
	inject, undo func()
}

func (f *scripted) Inject(context.Context, *vm.Handle, []fault.Object) error {
	f.inject()
	return nil
}

func (f *scripted) Injected(context.Context, *vm.Handle, []fault.Object) (string, error) {
	return "it is seen", nil
}

func (f *scripted) Undo(context.Context, *vm.Handle, []fault.Object) error {
	f.undo()
	return nil
}

// breaking is a run that breaks node n1, which was in the first boot.
func breaking(t *testing.T, d *switched, f fault.Fault) *run {
	t.Helper()
	c := &vm.Cluster{Name: "c", Dir: t.TempDir(), Machines: []vm.Machine{{Name: "n1"}}}
	return &run{
		experiment: &Experiment{Fault: f, Lasts: time.Second, HealWithin: time.Minute}, handle: &vm.Handle{Cluster: c, Driver: d}, home: c,
		now: time.Now, log: timeline.NewLog(time.Now), scene: &scene{nodes: nodesInBoot("boot1", "n1")},
		targets: []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: "n1", UID: "n1"}}},
	}
}

// phaseOf is a phase of the one node that was lost.
func (r *run) phaseOf(m timeline.Milestone) timeline.Phase {
	for _, p := range timeline.Nodes(r.fault, r.log.Entries())[0].Phases {
		if p.Name == m {
			return p
		}
	}
	return timeline.Phase{}
}

// A machine is off where its driver says so, and on again when it runs: while an undo
// waits until its node is Ready, which is after that, the fault is over.
func TestMachinesAreWhatTheirDriverSays(t *testing.T) {
	t.Parallel()
	ruin, err := fault.New("vm-ruined")
	if err != nil {
		t.Fatal(err)
	}
	d := &switched{state: vm.MachineRunning, told: make(chan vm.MachineStatus)}
	var x *run
	x = breaking(t, d, &scripted{Fault: ruin,
		inject: func() { d.become(vm.MachineMissing) },
		undo: func() {
			d.become(vm.MachineRunning)
			x.log.Add(timeline.Observation{Node: &timeline.Node{UID: "n1", Name: "n1", BootID: "boot1"}})
			x.log.Add(timeline.Observation{Node: &timeline.Node{UID: "n1", Name: "n1", BootID: "boot2", Ready: true}})
		},
	})
	for _, do := range []func(context.Context) error{
		func(ctx context.Context) error { return x.inject(ctx, nil) },
		func(ctx context.Context) error { return x.prove(ctx, nil) },
		func(ctx context.Context) error { return x.endFault(ctx, nil) },
	} {
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	down, powered, ready := x.phaseOf(timeline.Down), x.phaseOf(timeline.Powered), x.phaseOf(timeline.Ready)
	if !down.Known || !powered.Known || !ready.Known || ready.Took() <= 0 || powered.To > x.phaseOf(timeline.NotReady).To {
		t.Errorf("down %+v, powered %+v, ready %+v", down, powered, ready)
	}
	if over := x.overAt - x.fault.At; !x.over || over > powered.To || over < down.To {
		t.Errorf("the fault was over at %s, its machine on at %s, its node Ready at %s", over, powered.To, ready.To)
	}
}

// One that stays on is not told to be off, whatever became of what runs in it; one
// that an undo switches off and on is.
func TestMachinesThatStayOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		inject, undo []vm.MachineState
		down         bool
	}{
		"kernel-panic": {nil, nil, false},
		"node-reset":   {[]vm.MachineState{vm.MachineRunning}, nil, false},
		"disk-errors":  {nil, []vm.MachineState{vm.MachineStopped, vm.MachineRunning}, true},
	} {
		f, err := fault.New(name)
		if err != nil {
			t.Fatal(err)
		}
		d := &switched{state: vm.MachineRunning, told: make(chan vm.MachineStatus)}
		becomes := func(states []vm.MachineState) func() {
			return func() {
				for _, s := range states {
					d.become(s)
				}
			}
		}
		x := breaking(t, d, &scripted{Fault: f, inject: becomes(test.inject), undo: becomes(test.undo)})
		if err := x.inject(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := x.prove(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if x.phaseOf(timeline.Down).Known {
			t.Errorf("%s: its machine is told to be off while it is on", name)
		}
		if err := x.endFault(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if down, on := x.phaseOf(timeline.Down).Known, x.phaseOf(timeline.Powered).Known; down != test.down || on != test.down {
			t.Errorf("%s: off %t, on again %t", name, down, on)
		}
		if !x.fault.Boots {
			t.Errorf("%s: a node may come back in the boot that it was in", name)
		}
	}
}

// Where a driver tells of nothing it is asked.
func TestMachinesAreAskedFor(t *testing.T) {
	t.Parallel()
	d := &switched{state: vm.MachineRunning, told: make(chan vm.MachineStatus)}
	close(d.told)
	x := breaking(t, d, &scripted{Fault: &fault.PowerCut{}, inject: func() {}, undo: func() {}})
	if err := x.inject(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.state = vm.MachineStopped
	d.mu.Unlock()
	for !x.phaseOf(timeline.Down).Known {
		<-x.log.Changed()
	}
}

func nodesInBoot(boot string, names ...string) []corev1.Node {
	var nodes []corev1.Node
	for _, name := range names {
		n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
		n.Status.NodeInfo.BootID = boot
		nodes = append(nodes, n)
	}
	return nodes
}
