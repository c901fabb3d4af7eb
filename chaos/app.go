package chaos

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/chaos/journal"
	"axolotl/internal/kube"
	"axolotl/internal/term"
)

//go:embed app.yaml
var appManifests []byte

// appObjects are the objects of a run's own target, in the order of making.
func appObjects(namespace, runID string, t Target) ([]*unstructured.Unstructured, error) {
	objects, err := kube.Decode(appManifests)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		o.SetLabels(map[string]string{journal.RunLabel: runID})
		switch o.GetKind() {
		case "Namespace":
			o.SetName(namespace)
		case "PodDisruptionBudget":
			if err := unstructured.SetNestedField(o.Object, int64(t.MinAvailable), "spec", "minAvailable"); err != nil {
				return nil, err
			}
		case "Deployment":
			if err := unstructured.SetNestedField(o.Object, int64(t.Replicas), "spec", "replicas"); err != nil {
				return nil, err
			}
			if err := tune(o, t); err != nil {
				return nil, err
			}
		}
	}
	if t.MinAvailable == 0 {
		objects = slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "PodDisruptionBudget" })
	}
	return objects, nil
}

// tune sets what the target asks for of the app's pods.
func tune(deployment *unstructured.Unstructured, t Target) error {
	pod, _, err := unstructured.NestedMap(deployment.Object, "spec", "template", "spec")
	if err != nil {
		return err
	}
	if t.TolerationSeconds != nil {
		var tolerations []any
		for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
			tolerations = append(tolerations, map[string]any{
				"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": int64(*t.TolerationSeconds),
			})
		}
		pod["tolerations"] = tolerations
	}
	if t.GraceSeconds != nil {
		pod["terminationGracePeriodSeconds"] = int64(*t.GraceSeconds)
	}
	if t.ReadinessSeconds != 0 {
		container := pod["containers"].([]any)[0].(map[string]any) // it is in app.yaml
		container["readinessProbe"].(map[string]any)["periodSeconds"] = int64(t.ReadinessSeconds)
	}
	return unstructured.SetNestedMap(deployment.Object, pod, "spec", "template", "spec")
}

// deploy puts up the run's own target, where none is given. The journal knows
// of it first.
func (r *run) deploy(ctx context.Context, _ *term.Step) error {
	if r.namespace == "" {
		return r.seeTarget(ctx)
	}
	if err := r.beginJournal(); err != nil {
		return err
	}
	objects, err := appObjects(r.namespace, r.id, r.experiment.Target)
	if err != nil {
		return err
	}
	r.putUp = true
	_, err = r.kube.Apply(ctx, r.namespace, objects...)
	return err
}

// seeTarget returns nil where the target that was given is there.
func (r *run) seeTarget(ctx context.Context) error {
	s, err := readScene(ctx, r.kube, r.target)
	if apierrors.IsNotFound(err) {
		return zeroTargets(err.Error())
	}
	if err != nil {
		return err
	}
	if len(s.pods) == 0 {
		return zeroTargets(fmt.Sprintf("no pod in namespace %q matches %q", s.namespace, s.selector))
	}
	return nil
}

// removeNamespace does the next thing towards the end of a run's namespace,
// where it carries that run's label, and returns nil when it is proved to be
// gone.
func removeNamespace(ctx context.Context, client *kube.Client, name, runID string) error {
	ns, err := client.Typed.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && ns.Labels[journal.RunLabel] != runID {
		return nil // gone, or somebody else's by now
	}
	if err != nil {
		return err
	}
	return client.RemoveNamespace(ctx, ns)
}
