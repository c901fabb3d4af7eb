package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"axolotl/vm"
)

// PowerCut takes the power from the machines of nodes, as pulling the plug
// does.
type PowerCut struct{}

// Name implements Fault.
func (*PowerCut) Name() string { return "node-power-cut" }

// Effect implements Fault.
func (*PowerCut) Effect() Effect { return TakesMachines }

// Doc implements Fault.
func (*PowerCut) Doc() Doc {
	return Doc{
		Does:   "stops the nodes' machines at once, without a word to what runs on them",
		Needs:  "a driver whose machines have power (libvirt)",
		Proved: "the driver says that the machine is off",
		Undone: "the machine is started; the driver says that it runs, and the node is Ready in the boot that the machine itself is in",
	}
}

// Available implements Fault. A simulated node can be silenced, but its pods
// do not start again when it is back, which would be shown as a failure of
// the cluster's.
func (*PowerCut) Available(h *vm.Handle) error {
	if _, ok := h.Driver.(vm.Powerer); !ok || !h.Driver.Traits().RealMachines {
		return fmt.Errorf("driver %q has no machines whose power can be cut; use a cluster made with --driver libvirt", h.Driver.Name())
	}
	return nil
}

// Prepare implements Fault.
func (*PowerCut) Prepare(_ context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	var objects []Object
	for _, t := range targets {
		if h.Cluster.Machine(t.Name) == nil {
			return nil, fmt.Errorf("%s runs on no machine of cluster %q; choose one of its own nodes", t, h.Cluster.Name)
		}
		objects = append(objects, Object{Target: t})
	}
	return objects, nil
}

// Inject implements Fault.
func (*PowerCut) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	for _, o := range objects {
		if err := h.Driver.(vm.Powerer).PowerOff(ctx, h.Cluster, o.Name); err != nil {
			return fmt.Errorf("cut the power of %s: %w", o, err)
		}
	}
	return nil
}

// Injected implements Fault.
func (*PowerCut) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return machinesAre(ctx, h, objects, vm.MachineStopped)
}

// Undo implements Fault.
func (f *PowerCut) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	power, ok := h.Driver.(vm.Powerer)
	if !ok {
		return f.Available(h)
	}
	var errs []error
	for _, o := range objects {
		if err := power.PowerOn(ctx, h.Cluster, o.Name); err != nil {
			errs = append(errs, fmt.Errorf("give %s its power back: %w", o, err))
		}
	}
	return errors.Join(errs...)
}

// Undone implements Fault. What the cluster says of a node outlives it by most
// of a minute, so a Ready counts only when it is told of the boot that the
// machine itself is in.
func (*PowerCut) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	running, err := machinesAre(ctx, h, objects, vm.MachineRunning)
	if err != nil {
		return "", err
	}
	nodes, err := eachNode(ctx, h, objects, func(o Object, node *corev1.Node) (string, error) {
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
	return running + "; " + nodes, err
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

func ready(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func machinesAre(ctx context.Context, h *vm.Handle, objects []Object, want vm.MachineState) (string, error) {
	machines, err := h.Driver.Machines(ctx, h.Cluster)
	if err != nil {
		return "", err
	}
	states := map[string]vm.MachineState{}
	for _, m := range machines {
		states[m.Name] = m.State
	}
	var seen []string
	for _, o := range objects {
		if states[o.Name] != want {
			return "", fmt.Errorf("machine %s is %s, not %s", o.Name, states[o.Name], want)
		}
		seen = append(seen, fmt.Sprintf("machine %s is %s", o.Name, want))
	}
	return strings.Join(seen, "; "), nil
}
