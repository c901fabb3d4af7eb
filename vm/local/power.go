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
	powerLabel = "axolotl/power"
	powerOn    = "on"
	powerOff   = "off"
)

// PowerOff implements vm.Powerer. The control plane's processes are on no
// node, so they go on when it is the control-plane node that is off.
func (d *Driver) PowerOff(ctx context.Context, c *vm.Cluster, machine string) error {
	err := setPower(ctx, c, machine, powerOff)
	if apierrors.IsNotFound(err) {
		return nil // a node that was deleted sends no heartbeats either
	}
	return err
}

// PowerOn implements vm.Powerer. A node whose object was deleted registers
// anew.
func (d *Driver) PowerOn(ctx context.Context, c *vm.Cluster, machine string) error {
	err := setPower(ctx, c, machine, powerOn)
	if !apierrors.IsNotFound(err) {
		return err
	}
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return err
	}
	_, err = client.Typed.CoreV1().Nodes().Create(ctx, newNode(c, c.Machine(machine)), metav1.CreateOptions{})
	return err
}

func setPower(ctx context.Context, c *vm.Cluster, machine, power string) error {
	if c.Machine(machine) == nil {
		return fmt.Errorf("cluster %q has no machine %q; 'axolotl status %s' lists them", c.Name, machine, c.Name)
	}
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return err
	}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, powerLabel, power)
	_, err = client.Typed.CoreV1().Nodes().Patch(ctx, machine, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kube.FieldManager})
	if err != nil {
		return fmt.Errorf("turn power of node %q %s: %w", machine, power, err)
	}
	return nil
}

// powered tells whether a node has power.
func powered(node *corev1.Node) bool { return node.Labels[powerLabel] == powerOn }
