package local_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/drivertest"
	"axolotl/vm/local/localtest"
)

// The driver keeps its contract, with a real control plane.
func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	t.Parallel()
	drivertest.Run(t, drivertest.Subject{
		New: func(t *testing.T, workers int) (vm.Driver, *vm.Cluster) {
			c := localtest.New(t, 1+workers)
			return c.Driver, c.Cluster
		},
		// A simulated machine is its node's object.
		Settle: func(t *testing.T, c *vm.Cluster) {
			client, err := kube.Open(c.Kubeconfig(), "")
			if err != nil {
				t.Fatal(err)
			}
			await(t, 2*time.Minute, "all nodes are registered", func(ctx context.Context) error {
				nodes, err := client.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
				if err == nil && len(nodes.Items) < len(c.Machines) {
					err = fmt.Errorf("%d are", len(nodes.Items))
				}
				return err
			})
		},
	})
}
