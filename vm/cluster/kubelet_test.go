package cluster

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// A node that the API server still calls Ready is not alive where its kubelet does
// not answer, or says that it is not well.
func TestKubeletsAnswer(t *testing.T) {
	ready := corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "cp-1", Labels: map[string]string{"node-role.kubernetes.io/control-plane": ""}},
		Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
	}
	for name, test := range map[string]struct {
		status  int
		ready   corev1.ConditionStatus
		problem string // empty: none
	}{
		"all is well":              {http.StatusOK, corev1.ConditionTrue, ""},
		"a kubelet that is silent": {http.StatusServiceUnavailable, corev1.ConditionTrue, "the kubelet of cp-1"},
		"a kubelet that hangs":     {http.StatusInternalServerError, corev1.ConditionTrue, "the kubelet of cp-1"},
		"a node that is not Ready": {http.StatusOK, corev1.ConditionFalse, "cp-1"},
	} {
		t.Run(name, func(t *testing.T) {
			ready.Status.Conditions[0].Status = test.ready
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch r.URL.Path {
				case "/api/v1/nodes/cp-1/proxy/healthz":
					w.WriteHeader(test.status)
				case "/api/v1/nodes":
					_ = json.NewEncoder(w).Encode(corev1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}, Items: []corev1.Node{ready}})
				default:
					_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequestList"})
				}
			}))
			defer server.Close()
			typed, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			h := &vm.Handle{
				Cluster: &vm.Cluster{Machines: []vm.Machine{{Name: "cp-1", Role: vm.ControlPlane}}},
				Kube:    &kube.Client{Typed: typed},
			}
			err = kubeletsAnswer(h).Check(t.Context())
			if (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("error %v, want %q", err, test.problem)
			}
		})
	}
}
