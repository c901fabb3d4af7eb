package local

import (
	"context"
	"fmt"
	"runtime"
	"strconv"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/image"
)

// registerNodes makes the node objects that are missing, as a kubelet does for
// its own when it starts. It returns when all are there or ctx ends.
func registerNodes(ctx context.Context, client *kube.Client, c *vm.Cluster, log *zap.Logger) {
	nodes := client.Typed.CoreV1().Nodes()
	registered := check.Func("all nodes are registered", func(ctx context.Context) error {
		// Before, kwok would wait a full second with each node's lease.
		if err := leasesPossible(ctx, client); err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(10)
		for i := range c.Machines {
			group.Go(func() error {
				_, err := nodes.Create(ctx, newNode(c, &c.Machines[i]), metav1.CreateOptions{})
				if apierrors.IsAlreadyExists(err) {
					return nil
				}
				return err
			})
		}
		return group.Wait()
	})
	if err := check.Wait(ctx, registered, pollInterval, nil); err != nil {
		log.Warn("not all nodes are registered", zap.Error(err))
		return
	}
	log.Info("nodes registered", zap.Int("count", len(c.Machines)))
}

// newNode is a node as its kubelet would register it: with everything but
// conditions. That it is Ready is for kwok to say.
func newNode(c *vm.Cluster, m *vm.Machine) *corev1.Node {
	group := c.Spec.GroupOf(m)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(int64(max(group.CPUs, 1)), resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(int64(max(group.MemoryMiB, 1024))<<20, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(int64(max(c.Spec.DiskGiB, 10))<<30, resource.BinarySI),
		corev1.ResourcePods:             resource.MustParse("110"), // a kubelet's own default
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: m.Name,
			Labels: map[string]string{
				corev1.LabelHostname:                        m.Name,
				corev1.LabelOSStable:                        "linux",
				corev1.LabelArchStable:                      runtime.GOARCH,
				"node-role.kubernetes.io/" + string(m.Role): "",
				"axolotl/index":                             strconv.Itoa(m.Index),
				powerLabel:                                  powerOn,
			},
			Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
		},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: m.Address},
				{Type: corev1.NodeHostName, Address: m.Name},
			},
			NodeInfo: corev1.NodeSystemInfo{
				SystemUUID: m.UUID, MachineID: m.UUID, BootID: uuid.NewString(),
				Architecture: runtime.GOARCH, OperatingSystem: "linux",
				OSImage: "simulated by kwok", KubeletVersion: image.KubernetesVersion,
				ContainerRuntimeVersion: fmt.Sprintf("kwok://%s", image.Kwok.Version),
			},
		},
	}
}
