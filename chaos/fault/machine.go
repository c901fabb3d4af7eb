package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// prepareMachines makes objects of nodes that run on machines of the cluster.
func prepareMachines(h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		machine, err := ownMachine(h, t.Name)
		if err != nil {
			return nil, err
		}
		return map[string]string{priorUUID: machine.UUID}, nil
	})
}

// ownMachine is the machine under a node.
func ownMachine(h *vm.Handle, node string) (*vm.Machine, error) {
	machine := h.Cluster.Machine(node)
	if machine == nil {
		return nil, fmt.Errorf("it runs on no machine of cluster %q; choose one of its own nodes", h.Cluster.Name)
	}
	return machine, nil
}

// priorUUID is the key of the machine that a fault was made for. A node may get
// another by its name, of which nothing is known and that has nothing to mend.
const priorUUID = "uuid"

// removed tells whether the machine under an object was taken out of the cluster,
// and with it all that was done to it, whether or not another has its name. One that
// was made anew is the same by its UUID, and nothing is to be undone in it.
//
// NOTE: the UID of a node tells nothing: one that was deleted registers anew, with
// another, from the machine that has the fault.
func removed(h *vm.Handle, o Object) bool {
	m := h.Cluster.Machine(machineOf(o))
	was := o.Prior[priorUUID] // empty: an earlier axolotl has not noted it
	return m == nil || was != "" && m.UUID != was
}

// unlessRemoved does something to machines that the cluster still has.
func unlessRemoved(h *vm.Handle, do func(Object) error) func(Object) error {
	return func(o Object) error {
		if removed(h, o) {
			return errVanished
		}
		return do(o)
	}
}

// executor is the driver as one that runs commands in machines.
func executor(h *vm.Handle) (vm.Executor, error) {
	inside, ok := h.Driver.(vm.Executor)
	if !ok || !h.Driver.Traits().RealMachines {
		return nil, fmt.Errorf("driver %q has no machines to run commands in; use a cluster made with --driver libvirt", h.Driver.Name())
	}
	return inside, nil
}

// onMachine is a fault that is done to machines, not through the API server.
type onMachine interface{ onMachine() }

func (*guest) onMachine()        {}
func (*hosted) onMachine()       {}
func (*PowerCut) onMachine()     {}
func (*MachineReset) onMachine() {}
func (*NodeFreeze) onMachine()   {}
func (*MachineRuin) onMachine()  {}

// OnMachines tells whether a fault is done to the machines under nodes: no
// simulated node will do.
func OnMachines(f Fault) bool {
	_, ok := f.(onMachine)
	return ok
}

// bootOf asks the machine itself which boot it is in. It is empty where the
// driver cannot ask.
func bootOf(ctx context.Context, h *vm.Handle, machine string) (string, error) {
	inside, ok := h.Driver.(vm.Executor)
	if !ok {
		return "", nil
	}
	out, err := inside.Exec(ctx, h.Cluster, machine, "cat", "/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("machine %s does not answer yet: %w", machine, err)
	}
	return strings.TrimSpace(out), nil
}

// readyInOwnBoot proves that nodes are Ready in the boot that their machines
// themselves are in: what the cluster says of a node outlives it by most of a
// minute. A node that was deleted registers anew, as another of its name, as
// long as the cluster has its machine.
func readyInOwnBoot(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		if removed(h, o) {
			return "", errVanished
		}
		node, err := h.Kube.Typed.CoreV1().Nodes().Get(ctx, o.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return "", fmt.Errorf("node %s has not registered yet", o.Name)
		}
		if err != nil {
			return "", err
		}
		boot, err := bootOf(ctx, h, o.Name)
		if err != nil {
			return "", err
		}
		told := node.Status.NodeInfo.BootID
		if boot != "" && boot != told {
			return "", fmt.Errorf("%s is in boot %s, the cluster knows only of %s", o, boot, told)
		}
		if !ready(node) {
			return "", fmt.Errorf("%s is not Ready", o)
		}
		return strings.TrimSuffix(fmt.Sprintf("node %s is Ready in boot %s", o.Name, told), " in boot "), nil
	})
}

// runningInOwnBoot proves beside that by what the driver says that the machines
// run, of those that were not taken out of the cluster.
func runningInOwnBoot(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	machines := slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return removed(h, o) })
	running, err := machinesAre(ctx, h, machines, vm.MachineRunning)
	if err != nil {
		return "", err
	}
	nodes, err := readyInOwnBoot(ctx, h, objects)
	return strings.TrimPrefix(running+"; "+nodes, "; "), err
}

func ready(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// machinesAre proves the state of machines by what their driver says.
func machinesAre(ctx context.Context, h *vm.Handle, objects []Object, want vm.MachineState) (string, error) {
	states, err := machineStates(ctx, h)
	if err != nil {
		return "", err
	}
	return look(objects, func(o Object) (string, error) {
		if states[o.Name] != want {
			return "", fmt.Errorf("machine %s is %s, not %s", o.Name, states[o.Name], want)
		}
		return fmt.Sprintf("machine %s is %s", o.Name, want), nil
	})
}

func machineStates(ctx context.Context, h *vm.Handle) (map[string]vm.MachineState, error) {
	machines, err := h.Driver.Machines(ctx, h.Cluster)
	states := map[string]vm.MachineState{}
	for _, m := range machines {
		states[m.Name] = m.State
	}
	return states, err
}

// silent proves that a machine answers nobody inside any more, which is what
// a reboot and a panic have in common. A driver that is out of order proves
// nothing.
func silent(ctx context.Context, h *vm.Handle, o Object) (string, error) {
	if removed(h, o) {
		return "", errVanished
	}
	boot, answer := bootOf(ctx, h, o.Name)
	if answer == nil {
		if was := o.Prior[priorBoot]; boot != was {
			return fmt.Sprintf("machine %s is in boot %s, before it was in %s", o.Name, boot, was), nil
		}
		return "", fmt.Errorf("machine %s answers, and is in the same boot as before", o.Name)
	}
	states, err := machineStates(ctx, h)
	if err != nil {
		return "", errors.Join(answer, err)
	}
	return fmt.Sprintf("machine %s does not answer its agent; its driver says it is %s", o.Name, states[o.Name]), nil
}

// priorBoot is the key of the boot that a machine was in.
const priorBoot = "boot"
