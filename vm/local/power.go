package local

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// A simulated node has power where it carries this label. kwok plays those
// nodes only: it no longer renews the lease of one that has none and touches
// none of its pods, so that the control plane finds out by itself, as it does
// with a machine that is gone.
const (
	powerLabel  = "axolotl/power"
	powerOn     = "on"
	powerPaused = "paused" // it has, and does nothing
	powerOff    = "off"
)

// PowerOff implements vm.Powerer. The control plane's processes are on no
// node, so they go on when it is the control-plane node that is off.
func (d *Driver) PowerOff(ctx context.Context, c *vm.Cluster, machine string) error {
	client, err := open(c, machine)
	if err == nil {
		err = setPower(ctx, client, machine, powerOff)
	}
	if apierrors.IsNotFound(err) {
		return nil // a node that was deleted sends no heartbeats either
	}
	return err
}

// PowerOn implements vm.Powerer. A node whose object was deleted registers
// anew, one that was off boots.
func (d *Driver) PowerOn(ctx context.Context, c *vm.Cluster, machine string) error {
	client, err := open(c, machine)
	if err != nil {
		return err
	}
	node, err := client.Typed.CoreV1().Nodes().Get(ctx, machine, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = client.Typed.CoreV1().Nodes().Create(ctx, newNode(c, c.Machine(machine)), metav1.CreateOptions{})
		return err
	case err != nil || powerOf(node) != powerOff:
		return err
	}
	if err := boot(ctx, client, machine); err != nil {
		return fmt.Errorf("boot node %q: %w", machine, err)
	}
	return setPower(ctx, client, machine, powerOn)
}

// open opens a cluster that has the machine.
func open(c *vm.Cluster, machine string) (*kube.Client, error) {
	if c.Machine(machine) == nil {
		return nil, fmt.Errorf("cluster %q has no machine %q; 'axolotl status %s' lists them", c.Name, machine, c.Name)
	}
	return kube.Open(c.Kubeconfig(), "")
}

func setPower(ctx context.Context, client *kube.Client, machine, power string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, powerLabel, power)
	_, err := client.Typed.CoreV1().Nodes().Patch(ctx, machine, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kube.FieldManager})
	if err != nil {
		return fmt.Errorf("turn power of node %q %s: %w", machine, power, err)
	}
	return nil
}

// powerOf is a node's power. One whose label somebody has taken off is as good as
// off: kwok does not play it.
func powerOf(node *corev1.Node) string {
	switch power := node.Labels[powerLabel]; power {
	case powerOn, powerPaused:
		return power
	}
	return powerOff
}

// Pause implements vm.Pauser: the node is not heard of, and when it is again it is
// in the same boot.
func (d *Driver) Pause(ctx context.Context, c *vm.Cluster, machine string) error {
	return changePower(ctx, c, machine, powerOn, powerPaused)
}

// Resume implements vm.Pauser.
func (d *Driver) Resume(ctx context.Context, c *vm.Cluster, machine string) error {
	return changePower(ctx, c, machine, powerPaused, powerOn)
}

// changePower changes a node's power from what it must be, unless it is so already.
func changePower(ctx context.Context, c *vm.Cluster, machine, from, to string) error {
	client, err := open(c, machine)
	if err != nil {
		return err
	}
	node, err := client.Typed.CoreV1().Nodes().Get(ctx, machine, metav1.GetOptions{})
	if err != nil {
		return err
	}
	switch powerOf(node) {
	case to:
		return nil
	case from:
		return setPower(ctx, client, machine, to)
	}
	return fmt.Errorf("node %q has no power; 'axolotl node start %s %s' starts it", machine, c.Name, machine)
}
