package cluster

import (
	"context"
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// resolving is a driver in whose machines nslookup says something.
type resolving struct {
	vm.Driver
	says string
}

func (resolving) Traits() vm.Traits { return vm.Traits{RealPods: true, RealMachines: true} }

func (d resolving) Exec(context.Context, *vm.Cluster, string, ...string) (string, error) {
	return d.says, nil
}

// What busybox of the node image prints, of which the address of whom it asked is no
// answer.
func TestDNSAnswers(t *testing.T) {
	const asked = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n"
	client := fake.NewClientset(&discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "dns", Labels: map[string]string{discoveryv1.LabelServiceName: "kube-dns"}},
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"10.244.1.2"}}},
	})
	for says, want := range map[string]bool{
		asked + "Name:\tkubernetes.default.svc.cluster.local\nAddress: 10.96.0.1\n\n\n": true,
		asked: false,
		asked + "Name:\tkubernetes.default.svc.cluster.local\nAddress: 10.96.0.12\n\n\n": false,
	} {
		h := &vm.Handle{
			Cluster: &vm.Cluster{Machines: []vm.Machine{{Name: "cp-1"}}}, Driver: resolving{says: says}, Kube: &kube.Client{Typed: client},
		}
		err := dnsAnswers(h).Check(t.Context())
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "on cp-1, kubernetes.default.svc.cluster.local is answered by: Server: 10.96.0.10") {
			t.Errorf("of %q: %v", says, err)
		}
	}
}
