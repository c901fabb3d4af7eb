package local

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/internal/term"
	"axolotl/vm"
)

var _ vm.Grower = (*Driver)(nil)

// Join implements vm.Grower: a simulated machine is its node's object, which
// the supervisor makes at each start.
func (d *Driver) Join(c *vm.Cluster, names ...string) []vm.Action {
	return []vm.Action{{Name: "Register the simulated nodes", Run: func(ctx context.Context, _ *term.Step) error {
		if err := reorder(c); err != nil {
			return err
		}
		client, err := kube.Open(c.Kubeconfig(), "")
		if err != nil {
			return err
		}
		for _, name := range names {
			m := c.Machine(name)
			if m == nil {
				return fmt.Errorf("cluster %q has no machine %q", c.Name, name)
			}
			_, err := client.Typed.CoreV1().Nodes().Create(ctx, newNode(c, m), metav1.CreateOptions{})
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return err
			}
		}
		return nil
	}}}
}

// Leave implements vm.Grower.
func (d *Driver) Leave(ctx context.Context, c *vm.Cluster, name string) error {
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return err
	}
	err = client.Typed.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// reorder writes the orders that the supervisor reads at its next start.
func reorder(c *vm.Cluster) error {
	o, err := readOrders(c.Dir)
	if err != nil {
		return err
	}
	o.Cluster = *c
	return o.write()
}
