package cluster

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"axolotl/internal/kube"
)

// FAULTS.md 5 and 6: a node that could not be drained takes pods as it did before.
func TestNodeThatIsNotDrainedIsGivenBack(t *testing.T) {
	for _, cordoned := range []bool{false, true} {
		client := fake.NewClientset(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "worker-1"}, Spec: corev1.NodeSpec{Unschedulable: cordoned}})
		ctx, interrupt := context.WithCancel(t.Context())
		refused := errors.New("no pods today")
		client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
			interrupt()
			return true, nil, refused
		})
		if err := drainNode(ctx, &kube.Client{Typed: client}, "worker-1"); !errors.Is(err, refused) {
			t.Errorf("error %v", err)
		}
		node, err := client.CoreV1().Nodes().Get(t.Context(), "worker-1", metav1.GetOptions{})
		if err != nil || node.Spec.Unschedulable != cordoned {
			t.Errorf("unschedulable %t, %v; it was %t before", node.Spec.Unschedulable, err, cordoned)
		}
	}
}
