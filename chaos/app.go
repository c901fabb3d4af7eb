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

// removeNamespace deletes the namespace of a run, where it carries that run's
// label, and returns nil when it is proved to be gone.
//
// What makes pods goes first, then the pods, then the namespace: its controller
// looks only once in a while whether pods that it found ending have ended. So
// it takes the five seconds that the controller always waits, and no more.
func removeNamespace(ctx context.Context, client *kube.Client, name, runID string) error {
	namespaces := client.Typed.CoreV1().Namespaces()
	ns, err := namespaces.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if ns.Labels[journal.RunLabel] != runID {
		return nil // somebody else's by now
	}
	if ns.DeletionTimestamp != nil {
		return fmt.Errorf("namespace %s is not yet gone", name)
	}
	if err := removePods(ctx, client, name); err != nil {
		return err
	}
	err = namespaces.Delete(ctx, name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(ns.UID))})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return err
	}
	return fmt.Errorf("namespace %s is not yet gone", name)
}

// removePods deletes the deployments of a namespace and returns nil when their
// pods are gone too.
func removePods(ctx context.Context, client *kube.Client, namespace string) error {
	background := metav1.DeletePropagationBackground
	err := client.Typed.AppsV1().Deployments(namespace).DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: &background}, metav1.ListOptions{})
	if err != nil {
		return err
	}
	pods, err := client.Typed.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(pods.Items) > 0 {
		return fmt.Errorf("%d pods of namespace %s are not yet gone", len(pods.Items), namespace)
	}
	return nil
}
