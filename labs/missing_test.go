package labs

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/vm"
)

// guest is a driver of clusters that are not ours through and through.
type guest struct {
	vm.Driver
	traits vm.Traits
}

func (guest) Name() string        { return "guest" }
func (g guest) Traits() vm.Traits { return g.traits }

// withNode is a cluster of one node, which has the images of these names.
func withNode(t *testing.T, traits vm.Traits, images ...string) *vm.Handle {
	t.Helper()
	list := corev1.NodeList{Items: []corev1.Node{{
		ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: images}}},
	}}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(list) //nolint:errcheck // the client sees it
	}))
	t.Cleanup(server.Close)
	client, err := kube.New(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return &vm.Handle{Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{}}, Driver: guest{traits: traits}, Kube: client}
}

// What a cluster of somebody else's cannot give is said before anything is made.
func TestMissingOnClustersOfOthers(t *testing.T) {
	foreign, formed := vm.Traits{RealPods: true, Foreign: true}, vm.Traits{RealPods: true, Formed: true}
	own := vm.Traits{RealPods: true, RealMachines: true}
	breaks := oneStep(t, `
    do: [{break: {fault: pod-deletion, pods: {app: a}}}]
    check: [{object: {kind: ConfigMap, name: never}}]
`)
	app, err := Open("env")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Open("jobs")
	if err != nil {
		t.Fatal(err)
	}
	const pingapp = "docker.io/axolotl/pingapp:2.1.0"
	for _, test := range []struct {
		what   string
		lab    *Lab
		traits vm.Traits
		images []string
		want   string // "" for nothing
	}{
		{"a break in a foreign cluster", breaks, foreign, nil, "breaks nothing in a cluster that somebody else has made"},
		{"a break in a cluster that is not foreign", breaks, formed, nil, ""},
		{"the app in a foreign cluster", app, foreign, []string{"docker.io/library/nginx:1"}, "needs the image axolotl/pingapp, which is in no registry"},
		{"the app on machines of minikube", app, formed, nil, "needs the image axolotl/pingapp"},
		{"the app where somebody has put it", app, foreign, []string{pingapp}, ""},
		{"the app on machines of ours", app, own, nil, ""},
		{"no app", plain, foreign, nil, ""},
	} {
		reason, err := test.lab.missing(t.Context(), withNode(t, test.traits, test.images...))
		if err != nil || (reason == "") != (test.want == "") || !strings.Contains(reason, test.want) {
			t.Errorf("%s: %q, %v", test.what, reason, err)
		}
	}
	result, err := Run(t.Context(), withNode(t, foreign), app, Options{})
	if err != nil || result.Outcome != Skipped {
		t.Errorf("%s: %s, %v", result.Outcome, result.Reason, err)
	}
}

// Where there are no machines of ours no node port is forwarded, and no waiting
// brings one.
func TestNodePortWithoutMachines(t *testing.T) {
	s := newSession(withNode(t, vm.Traits{RealPods: true, Foreign: true}), &Lab{Name: "a"}, time.Now)
	condition, err := s.condition(Check{HTTP: &HTTP{NodePort: "30001"}})
	if err == nil {
		t.Fatalf("there is a condition: %s", condition)
	}
	waited := check.Wait(t.Context(), check.Func("it", func(context.Context) error { return err }), time.Second, nil)
	if waited == nil || !strings.Contains(waited.Error(), "forwards no NodePorts") {
		t.Errorf("got %v", waited)
	}
}
