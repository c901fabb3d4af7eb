package chaos

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/chaos/fault"
)

// A broken release costs all pods of a deployment whose update keeps none.
func TestBrokenReleasesThatTakeAll(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	for name, strategy := range map[string]string{"rolling": "RollingUpdate", "recreated": "Recreate"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			standing(t, h, name, 2, func(deployment *unstructured.Unstructured) {
				if err := unstructured.SetNestedField(deployment.Object, strategy, "spec", "strategy", "type"); err != nil {
					t.Fatal(err)
				}
			})
			awaitReady(t, h, name, 2)
			for _, broken := range []string{"image-broken", "crash-loop"} {
				e := deletion(t)
				f, err := fault.New(broken)
				if err != nil {
					t.Fatal(err)
				}
				e.Fault, e.Target = f, Target{Namespace: name, Deployment: "pingapp", Count: 1}
				x := runner(t, h).newRun(e)
				if x.scene, err = readScene(t.Context(), h.Kube, e.Target); err != nil {
					t.Fatal(err)
				}
				for _, d := range x.scene.deployments() {
					x.targets = append(x.targets, fault.Object{Target: d})
				}
				if x.toll, err = x.readToll(t.Context()); err != nil {
					t.Fatal(err)
				}
				switch err := guardLastReplica(t.Context(), x); {
				case strategy == "Recreate":
					refusedBy(t, err, "last-replica")
				case err != nil:
					t.Errorf("%s: %v", broken, err)
				}
				if lost := x.lostPods(); len(lost) > 0 {
					t.Errorf("%s waits for %d others, which may never be needed", broken, len(lost))
				}
			}
		})
	}
}
