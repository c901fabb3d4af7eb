package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// yard is a driver of a machine that can be switched, paused, deleted and made anew.
// Its node is known in whatever boot it is in.
type yard struct {
	*devices
	h            *vm.Handle
	paused, gone bool
	boots        int
	disks        int // that it had, one after the other
}

func newYard(t *testing.T, role vm.Role) *yard {
	t.Helper()
	d := &yard{devices: newDevices(), disks: 1}
	d.h = devicesOn(d.devices)
	d.h.Driver = d
	for i := range d.h.Cluster.Machines {
		d.h.Cluster.Machines[i].Role = role
	}
	d.h.Recreate = func(_ context.Context, _ bool, nodes ...string) error {
		for _, do := range []func() error{
			func() error { d.h.Cluster.BeginJoining(nodes...); return nil },
			func() error {
				d.gone, d.off, d.paused = false, false, false
				d.disks++
				return d.begin()
			},
			func() error { d.h.Cluster.HaveJoined(nodes...); return nil },
		} {
			if err := d.call(false, do); err != nil {
				return err
			}
		}
		return nil
	}
	return d
}

// state is all that a fault may change and must restore.
func (d *yard) state() string {
	return fmt.Sprintf("off %t, paused %t, gone %t, joining %v", d.off, d.paused, d.gone, d.h.Cluster.Joining)
}

// begin is a boot of the machine, which its node tells of.
func (d *yard) begin() error {
	d.boots++
	d.boot = fmt.Sprintf("boot%d", d.boots+1)
	nodes := d.h.Kube.Typed.CoreV1().Nodes()
	node, err := nodes.Get(context.Background(), "n1", metav1.GetOptions{})
	if err != nil {
		return err
	}
	node.Status.NodeInfo.BootID = d.boot
	_, err = nodes.UpdateStatus(context.Background(), node, metav1.UpdateOptions{})
	return err
}

// do is the frame of what is done to the machine, as long as there is one.
func (d *yard) do(what func() error) error {
	return d.call(false, func() error {
		if d.gone {
			return errors.New("there is no such machine")
		}
		return what()
	})
}

func (d *yard) Machines(context.Context, *vm.Cluster) (states []vm.MachineStatus, err error) {
	err = d.call(false, func() error {
		state := vm.MachineRunning
		switch {
		case d.gone:
			state = vm.MachineMissing
		case d.off:
			state = vm.MachineStopped
		case d.paused:
			state = vm.MachinePaused
		}
		states = []vm.MachineStatus{{Name: "n1", State: state}, {Name: "n2", State: vm.MachineRunning}}
		return nil
	})
	return states, err
}

func (d *yard) Exec(ctx context.Context, c *vm.Cluster, machine string, argv ...string) (string, error) {
	if d.gone || d.paused {
		return "", d.call(false, func() error { return errors.New("the agent does not answer") })
	}
	return d.devices.Exec(ctx, c, machine, argv...)
}

func (d *yard) PowerOff(context.Context, *vm.Cluster, string) error {
	return d.do(func() error { d.off, d.paused = true, false; return nil })
}

func (d *yard) PowerOn(context.Context, *vm.Cluster, string) error {
	return d.do(func() error {
		if !d.off {
			return nil
		}
		d.off = false
		return d.begin()
	})
}

func (d *yard) Reset(context.Context, *vm.Cluster, string) error {
	return d.do(func() error { d.off, d.paused = false, false; return d.begin() })
}

func (d *yard) Pause(context.Context, *vm.Cluster, string) error {
	return d.do(func() error { d.paused = true; return nil })
}

func (d *yard) Resume(context.Context, *vm.Cluster, string) error {
	return d.do(func() error {
		if d.off {
			return errors.New("the machine is off")
		}
		d.paused = false
		return nil
	})
}

func (*yard) Join(*vm.Cluster, ...string) []vm.Action { return nil }

func (d *yard) Leave(ctx context.Context, c *vm.Cluster, name string) error {
	return d.Ruin(ctx, c, name)
}

func (d *yard) Ruin(context.Context, *vm.Cluster, string) error {
	return d.call(false, func() error { d.gone = true; return nil })
}

// machineFaults are those that are neither made by commands inside nor in a machine's
// devices.
func machineFaults() []Fault {
	var all []Fault
	for _, f := range All() {
		switch f.(type) {
		case *guest, *hosted:
		case onMachine:
			all = append(all, f)
		}
	}
	return all
}

// TestMachineFaultsAtEveryCall has each call to the driver fail, its answer be lost, and
// this process die after it, the host with it or not, while a fault is injected and
// while it is undone: another life, which knows what the journal holds, has the machine
// run as before, and proves it. A disk that was not deleted is the one that there is
// afterwards.
func TestMachineFaultsAtEveryCall(t *testing.T) {
	for _, f := range machineFaults() {
		t.Run(f.Name(), func(t *testing.T) {
			role := vm.Worker
			if ruin, ok := f.(*MachineRuin); ok {
				role = ruin.role
			}
			calls := 1
			for at := 0; at <= calls; at++ { // 0: none goes wrong, which counts them
				for how, accident := range map[string]func(*yard){
					"fails":                 func(d *yard) { d.failAt = at },
					"is unheard":            func(d *yard) { d.lostAt = at },
					"is the last":           func(d *yard) { d.dieAt = at },
					"is the host's last":    func(d *yard) { d.dieAt = at },
					"fails, and the host's": func(d *yard) { d.failAt = at },
				} {
					d := newYard(t, role)
					accident(d)
					n, err := lifeInYard(t, f, d, how == "is the host's last" || how == "fails, and the host's")
					if err != nil {
						t.Errorf("call %d of %d %s: %v", at, calls, how, err)
					}
					if at == 0 {
						calls = n
					}
				}
			}
			if calls < 3 {
				t.Errorf("only %d calls", calls)
			}
		})
	}
}

// lifeInYard takes a fault through its life up to the first error, has the host reboot
// where it is told to, and then another life undo it.
func lifeInYard(t *testing.T, f Fault, d *yard, reboots bool) (calls int, err error) {
	t.Helper()
	h, ctx, before := d.h, t.Context(), d.state()
	must(t, f.Available(t.Context(), h))
	objects, failed := f.Prepare(ctx, h, aim(f))
	if failed != nil && objects != nil {
		return 0, fmt.Errorf("objects beside error %w", failed)
	}
	if failed == nil {
		if failed = f.Inject(ctx, h, objects); failed == nil {
			_, failed = f.Injected(ctx, h, objects)
		}
		if failed == nil {
			failed = f.Undo(ctx, h, objects)
		}
	}
	whole := d.failAt+d.lostAt+d.dieAt == 0
	if calls = d.calls; whole && failed != nil {
		return calls, failed
	}
	d.failAt, d.lostAt, d.dieAt, d.dead = 0, 0, 0, false
	// What a reset took was back before, and it is not its undo that starts a host's machines.
	if _, resets := f.(*MachineReset); reboots && !resets && failed != nil && objects != nil {
		d.off, d.paused = !d.gone, false
	}
	there, disks := !d.gone && len(h.Cluster.Joining) == 0, d.disks
	saved, err := SpecOf(f)
	must(t, err)
	again, err := saved.Fault()
	must(t, err)
	for range 2 {
		if err := again.Undo(ctx, h, kept(t, objects)); err != nil {
			return calls, err
		}
	}
	if now := d.state(); now != before {
		return calls, fmt.Errorf("it is\n%s\nwas\n%s", now, before)
	}
	if there && d.disks != disks {
		return calls, errors.New("a machine that was there has lost its disk")
	}
	if _, err := again.Undone(ctx, h, kept(t, objects)); err != nil {
		return calls, fmt.Errorf("not proved to be undone: %w", err)
	}
	return calls, nil
}

// TestEveryFaultIsSwept: each fault is in one of the tests that let it fail at every
// step.
func TestEveryFaultIsSwept(t *testing.T) {
	swept := slices.Concat(apiFaults(), hostedFaults(t), machineFaults(), []Fault{&DNSOutage{}})
	for _, f := range guests() {
		swept = append(swept, f)
	}
	for _, f := range All() {
		if !slices.ContainsFunc(swept, func(s Fault) bool { return s.Name() == f.Name() }) {
			t.Errorf("%s is in none of them", f.Name())
		}
	}
}
