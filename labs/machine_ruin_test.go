package labs

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/chaos"
	"axolotl/vm"
)

// ruinable plays real machines over simulated nodes: they can be wiped from inside,
// deleted and made anew.
type ruinable struct {
	vm.Driver
	vm.Powerer
	state map[string]vm.MachineState
	done  []string
}

func (*ruinable) Traits() vm.Traits { return vm.Traits{RealPods: true, RealMachines: true} }

func (d *ruinable) Exec(_ context.Context, _ *vm.Cluster, machine string, argv ...string) (string, error) {
	if strings.Contains(argv[len(argv)-1], "of=/dev/vda") {
		d.state[machine] = vm.MachineStopped
		d.done = append(d.done, "wipe")
	}
	return "", nil
}

func (d *ruinable) Machines(_ context.Context, c *vm.Cluster) ([]vm.MachineStatus, error) {
	var all []vm.MachineStatus
	for _, m := range c.Machines {
		all = append(all, vm.MachineStatus{Name: m.Name, State: d.state[m.Name]})
	}
	return all, nil
}

func (*ruinable) Join(*vm.Cluster, ...string) []vm.Action { return nil }

func (d *ruinable) Leave(_ context.Context, _ *vm.Cluster, name string) error {
	d.state[name] = vm.MachineMissing
	d.done = append(d.done, "throw away")
	return nil
}

// ruinables is the shared cluster as one of such machines.
func ruinables(t *testing.T) (*vm.Handle, *ruinable) {
	t.Helper()
	h := learner(t)
	admin, err := os.ReadFile(handle.Cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.Cluster.Kubeconfig(), admin, 0o600); err != nil {
		t.Fatal(err)
	}
	d := &ruinable{Driver: h.Driver, Powerer: h.Driver.(vm.Powerer), state: map[string]vm.MachineState{}}
	h.Cluster.Machines = slices.Clone(h.Cluster.Machines)
	for i := range h.Cluster.Machines {
		h.Cluster.Machines[i].Role = vm.Worker // the only node there is
		d.state[h.Cluster.Machines[i].Name] = vm.MachineRunning
	}
	h.Driver = d
	h.Recreate = func(_ context.Context, _ bool, nodes ...string) error {
		for _, name := range nodes {
			d.state[name] = vm.MachineRunning
			d.done = append(d.done, "make anew "+name)
		}
		return nil
	}
	return h, d
}

// ruining is a session of a lab that wipes cp-1 and has it back.
func ruining(t *testing.T, h *vm.Handle) *session {
	t.Helper()
	lab := parse(t, `
name: ruining
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
needs: {machine-control: true}
steps:
  - name: only
    say: {en: s, es: s}
    do: [{machine: {name: cp-1, do: wipe}}, {machine: {name: cp-1, do: recreate}}]
    check: [{object: {kind: ConfigMap, name: never}}]
`)
	if why := lab.Steps[0].disturbs(); !strings.Contains(why, "ruins a machine") {
		t.Errorf("it disturbs: %q", why)
	}
	return newSession(h, lab, time.Now)
}

func TestWipeAndRecreate(t *testing.T) {
	h, d := ruinables(t)
	t.Parallel()
	s := ruining(t, h)
	for _, action := range s.lab.Steps[0].Do {
		if err := s.do(t.Context(), action); err != nil {
			t.Fatalf("%s: %v", action, err)
		}
	}
	if got, want := strings.Join(d.done, ", "), "wipe, make anew cp-1"; got != want {
		t.Errorf("it did %s; want %s", got, want)
	}
	if open, err := chaos.Unfinished(h.Cluster); err != nil || len(open)+len(s.struck) > 0 {
		t.Errorf("still to be undone: %v, %v, %v", open, s.struck, err)
	}
	// One that nobody has ruined is thrown away by it.
	d.done = nil
	if err := s.do(t.Context(), s.lab.Steps[0].Do[1]); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(d.done, ", "), "throw away, make anew cp-1"; got != want {
		t.Errorf("it did %s; want %s", got, want)
	}
}

// Killed when the machine is wiped: the next lab on the cluster makes it anew.
func TestKilledWhenTheMachineIsWiped(t *testing.T) {
	h, d := ruinables(t)
	t.Parallel()
	s := ruining(t, h)
	if err := s.do(t.Context(), s.lab.Steps[0].Do[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.letGo(); err != nil { // as the kernel does when a process ends
		t.Fatal(err)
	}
	if err := recoverKilled(t.Context(), h, quiet(), time.Now); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(d.done, ", "), "wipe, make anew cp-1"; got != want || d.state["cp-1"] != vm.MachineRunning {
		t.Errorf("it did %s; want %s", got, want)
	}
	// Who comes back to it finds it mended.
	if err := s.mend(t.Context(), ""); err != nil {
		t.Error(err)
	}
}
