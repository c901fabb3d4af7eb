package chaos

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"axolotl/chaos/fault"
	"axolotl/internal/kube"
	"axolotl/vm"
)

// foreignDriver is a driver whose clusters somebody else has made.
type foreignDriver struct{ vm.Driver }

func (foreignDriver) Name() string      { return "existing" }
func (foreignDriver) Traits() vm.Traits { return vm.Traits{RealPods: true, Foreign: true} }

// foreign is the shared cluster as somebody else's.
func foreign(t *testing.T) *vm.Handle {
	h := cluster(t)
	c := *h.Cluster
	c.Source = &vm.Source{Kubeconfig: "/home/them/.kube/config", Context: "production"}
	return &vm.Handle{Cluster: &c, Driver: foreignDriver{h.Driver}, Kube: h.Kube}
}

func TestGuardForeign(t *testing.T) {
	c := &vm.Cluster{Name: "theirs", Dir: t.TempDir(), Source: &vm.Source{Kubeconfig: "/k", Context: "production"}}
	kubeconfig(t, c.Dir, "b3Vycw==")
	client := func(host, ca string, insecure bool) *kube.Client {
		return &kube.Client{Config: &rest.Config{Host: host, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(ca), Insecure: insecure}}}
	}
	const server = "https://127.0.0.1:6443"
	if err := guardForeign(c, client(server, "ours", false), "theirs"); err != nil {
		t.Errorf("named: %v", err)
	}
	for name, allowed := range map[string]string{"nothing named": "", "another named": "sim"} {
		err := guardForeign(c, client(server, "ours", false), allowed)
		refusedBy(t, err, "own-cluster")
		if !strings.Contains(err.Error(), `context "production" of /k`) || !strings.Contains(err.Error(), "--allow-cluster theirs") {
			t.Errorf("%s: %v", name, err)
		}
	}
	refusedBy(t, guardForeign(c, client(server, "ours", true), "theirs"), "own-cluster")
	refusedBy(t, guardForeign(c, client(server, "other", false), "theirs"), "own-cluster")
	refusedBy(t, guardForeign(c, client("https://elsewhere:6443", "ours", false), "theirs"), "own-cluster")
}

// A lab's fault has nobody who could name the cluster.
func TestStrikeOnAForeignCluster(t *testing.T) {
	h := foreign(t)
	_, err := Strike(t.Context(), h, &fault.NodeCordon{}, nil, "lab x", nil)
	refusedBy(t, err, "own-cluster")
}

// What is broken in a foreign cluster must say that it may be, each of its
// namespaces and nodes.
func TestGuardAnnotated(t *testing.T) {
	h := foreign(t)
	namespaces := h.Kube.Typed.CoreV1().Namespaces()
	own := "guard-annotated"
	if _, err := namespaces.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: own}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	nodes, err := h.Kube.Typed.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node := nodes.Items[0].Name
	at := func(kind, namespace, name string) *run {
		return &run{handle: h, home: h.Cluster, kube: h.Kube, namespace: "chaos-own",
			targets: []fault.Object{{Target: fault.Target{Kind: kind, Namespace: namespace, Name: name}}}}
	}
	refusedBy(t, guardAnnotated(t.Context(), at("Pod", own, "web")), "annotated")
	refusedBy(t, guardAnnotated(t.Context(), at("Node", "", node)), "annotated")
	if err := guardAnnotated(t.Context(), at("Pod", "chaos-own", "web")); err != nil {
		t.Errorf("of the run's own app: %v", err)
	}
	if err := guardAnnotated(t.Context(), at("ClusterRole", "", "view")); err == nil {
		t.Error("a kind that is no node was let through")
	}
	for _, value := range []string{"false", "true"} {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, AllowAnnotation, value)
		if _, err := namespaces.Patch(t.Context(), own, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		err := guardAnnotated(t.Context(), at("Pod", own, "web"))
		if value == "true" && err != nil {
			t.Errorf("annotated: %v", err)
		} else if value != "true" {
			refusedBy(t, err, "annotated")
		}
	}
	ours := at("Pod", "default", "web")
	ours.handle = cluster(t)
	if err := guardAnnotated(t.Context(), ours); err != nil {
		t.Errorf("on a cluster that we made: %v", err)
	}
	if err := namespaces.Delete(t.Context(), own, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}
