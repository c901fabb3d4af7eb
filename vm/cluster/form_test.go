package cluster

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// The cluster's DNS asks outside where the machines have a way out, and is
// replaced for it where it was restored without; else it asks nobody.
func TestDNSAsksOutside(t *testing.T) {
	parts := func(outside vm.Outside) (corefile string, annotations map[string]string) {
		objects, err := kube.Decode([]byte(filled(corednsManifest, vm.Spec{Outside: outside})))
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			switch object.GetKind() {
			case "ConfigMap":
				corefile, _, _ = unstructured.NestedString(object.Object, "data", "Corefile")
			case "Deployment":
				annotations, _, err = unstructured.NestedStringMap(object.Object, "spec", "template", "metadata", "annotations")
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return corefile, annotations
	}
	closed, none := parts(vm.Outside{})
	open, annotations := parts(vm.Outside{Internet: true})
	if strings.Contains(closed, "forward") || strings.Contains(closed, "@") || len(none) > 0 {
		t.Errorf("without a way out: %s, annotations %v", closed, none)
	}
	if want := strings.Replace(closed, "    loadbalance\n", "    loadbalance\n    forward . 10.0.2.3\n    reload\n", 1); open != want || open == closed {
		t.Errorf("with a way out: %s", open)
	}
	if len(annotations) != 1 {
		t.Errorf("with a way out, the pods are not replaced: annotations %v", annotations)
	}
}
