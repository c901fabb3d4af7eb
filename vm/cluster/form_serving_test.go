package cluster

import (
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// A request that is refused keeps nobody from anything: it is told beside what is
// waited for, and nodes that are Ready are.
func TestRefusedRequestIsNoReasonToWait(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "worker-1", Labels: map[string]string{"node-role.kubernetes.io/worker": ""}}}
	request := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: "csr-1"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			SignerName: certificatesv1.KubeletServingSignerName, Username: "system:node:worker-1", Request: []byte("no PEM"),
		},
	}
	client := fake.NewClientset(node, request)
	h := &vm.Handle{
		Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "worker-1", Role: vm.Worker}}},
		Kube:    &kube.Client{Typed: client},
	}
	err := nodesReady(h).Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "certificate request csr-1: it holds no PEM block; worker-1: no word from its kubelet yet") {
		t.Errorf("error %v", err)
	}
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	if _, err := client.CoreV1().Nodes().UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := nodesReady(h).Check(t.Context()); err != nil {
		t.Errorf("all are Ready: %v", err)
	}
}
