package labs

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/fault"
	"axolotl/vm"
)

// machineRuined is the fault as which a ruined machine is in the journal: its undo
// makes it anew. Where a lab is killed, the next start does that.
const machineRuined = "vm-ruined"

// wiped is that fault done from inside, where the machine has root overwrite its
// disk instead of being deleted with it.
type wiped struct{ fault.Fault }

// Settings implements fault.Configured: those of the fault that it is.
func (w wiped) Settings() any { return fault.Settings(w.Fault) }

// Prepare implements fault.Fault: one that is off is to be made anew, though it is there.
func (w wiped) Prepare(ctx context.Context, h *vm.Handle, targets []fault.Target) ([]fault.Object, error) {
	objects, err := w.Fault.Prepare(ctx, h, targets)
	fault.Wiped(objects)
	return objects, err
}

// wipeScript overwrites the beginning of the root disk, without which nothing is found on
// it, and switches the machine off at once: what is in memory would go on for a
// while, and would pass for a machine that is well.
const wipeScript = "dd if=/dev/zero of=/dev/vda bs=1M count=64 conv=fsync\necho 1 >/proc/sys/kernel/sysrq\necho o >/proc/sysrq-trigger\n"

// Inject implements fault.Fault. What a machine that goes off answers means nothing;
// the proof is that it is off.
func (wiped) Inject(ctx context.Context, h *vm.Handle, objects []fault.Object) error {
	inside, ok := h.Driver.(vm.Executor)
	if !ok {
		return fmt.Errorf("driver %q has no machines that a command could be run in", h.Driver.Name())
	}
	for _, o := range objects {
		if _, err := inside.Exec(ctx, h.Cluster, o.Name, "/bin/sh", "-c", wipeScript); ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// Injected implements fault.Fault.
func (wiped) Injected(ctx context.Context, h *vm.Handle, objects []fault.Object) (string, error) {
	machines, err := h.Driver.Machines(ctx, h.Cluster)
	if err != nil {
		return "", err
	}
	states := map[string]vm.MachineState{}
	for _, m := range machines {
		states[m.Name] = m.State
	}
	for _, o := range objects {
		if states[o.Name] != vm.MachineStopped {
			return "", fmt.Errorf("machine %s is %s, and was to go off when its disk was wiped", o.Name, states[o.Name])
		}
	}
	return "the machines are off", nil
}

// wipe ruins a machine from inside.
func (s *session) wipe(ctx context.Context, name string) error {
	f, err := s.ruin(ctx)
	if err != nil {
		return err
	}
	return s.strikeMachine(ctx, wiped{f}, name)
}

// recreate has another machine in the place of one, whatever that is now. One that
// the lab has not ruined is thrown away first.
func (s *session) recreate(ctx context.Context, name string) error {
	f, err := s.ruin(ctx)
	if err != nil {
		return err
	}
	isIt := func(struck *Struck) bool { return struck.Fault == machineRuined && struck.Machine == name }
	if !s.hasStruck(isIt) {
		if err := s.strikeMachine(ctx, f, name); err != nil {
			return err
		}
	}
	return s.mendThose(ctx, isIt)
}

// ruin is the fault, where machines can be made anew.
func (s *session) ruin(ctx context.Context) (fault.Fault, error) {
	f, err := fault.New(machineRuined)
	if err == nil {
		err = f.Available(ctx, s.handle)
	}
	return f, err
}

// strikeMachine injects a fault into the machine under a node.
func (s *session) strikeMachine(ctx context.Context, f fault.Fault, name string) error {
	node, err := s.handle.Kube.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	return s.strike(ctx, f, []fault.Target{{Kind: fault.OnNodes, Name: name, UID: node.UID}}, name)
}
