package fault

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"

	"axolotl/internal/check"
	"axolotl/vm"
	"axolotl/vm/local/localtest"
)

// shared is a real API server with two simulated nodes. It is nil under -short.
var shared *vm.Handle

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "12"); err != nil { // they wait, and hardly compute
		panic(err)
	}
	os.Exit(localtest.Main(m, 2, func(h *vm.Handle) { shared = h }))
}

// app is a deployment of two pods that use a ConfigMap and a Secret, in a
// namespace of its own; the targets are one of each kind.
func app(t *testing.T) (h *vm.Handle, targets map[string]Target) {
	t.Helper()
	if h = shared; h == nil {
		t.Skip("needs an API server")
	}
	ctx := t.Context()
	ns, err := h.Kube.Typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "fault-"}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		must(t, h.Kube.Typed.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{}))
	})
	named := metav1.ObjectMeta{Name: "app", Namespace: ns.Name}
	config, err := h.Kube.Typed.CoreV1().ConfigMaps(ns.Name).Create(ctx, &corev1.ConfigMap{ObjectMeta: named, Data: map[string]string{"a": "1", "b": "2"}}, metav1.CreateOptions{})
	must(t, err)
	secret, err := h.Kube.Typed.CoreV1().Secrets(ns.Name).Create(ctx, &corev1.Secret{ObjectMeta: named, Data: map[string][]byte{"a": []byte("s\x00")}}, metav1.CreateOptions{})
	must(t, err)
	two, labels := int32(2), map[string]string{"app": "app"}
	deployment, err := h.Kube.Typed.AppsV1().Deployments(ns.Name).Create(ctx, &appsv1.Deployment{ObjectMeta: named, Spec: appsv1.DeploymentSpec{
		Replicas: &two, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "good:1"}}},
		},
	}}, metav1.CreateOptions{})
	must(t, err)
	var pod corev1.Pod
	await(t, "two pods are ready", func(ctx context.Context) error {
		pods, err := h.Kube.Typed.CoreV1().Pods(ns.Name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		ready := 0
		for _, p := range pods.Items {
			if p.Status.Phase == corev1.PodRunning {
				ready, pod = ready+1, p
			}
		}
		if ready != 2 {
			return fmt.Errorf("%d are", ready)
		}
		return nil
	})
	node, err := h.Kube.Typed.CoreV1().Nodes().Get(ctx, pod.Spec.NodeName, metav1.GetOptions{})
	must(t, err)
	return h, map[string]Target{
		OnPods:        {Kind: OnPods, Namespace: ns.Name, Name: pod.Name, UID: pod.UID},
		OnNodes:       {Kind: OnNodes, Name: node.Name, UID: node.UID},
		OnDeployments: {Kind: OnDeployments, Namespace: ns.Name, Name: "app", UID: deployment.UID},
		OnConfigMaps:  {Kind: OnConfigMaps, Namespace: ns.Name, Name: "app", UID: config.UID},
		OnSecrets:     {Kind: OnSecrets, Namespace: ns.Name, Name: "app", UID: secret.UID},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await waits until look returns nil.
func await(t *testing.T, what string, look func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(t, check.Wait(ctx, check.Func(what, look), 50*time.Millisecond, nil))
}

// proof waits for a proof.
func proof(t *testing.T, h *vm.Handle, objects []Object, look func(context.Context, *vm.Handle, []Object) (string, error)) string {
	t.Helper()
	var words string
	await(t, "the proof", func(ctx context.Context) (err error) {
		words, err = look(ctx, h, objects)
		return err
	})
	if words == "" {
		t.Error("the proof says nothing")
	}
	return words
}

// spec is what the API says of a target, as far as a person has set it.
func spec(t *testing.T, h *vm.Handle, target Target) string {
	t.Helper()
	ref := refOf(target)
	resource, _, err := h.Kube.Resource(ref.GroupVersionKind, ref.Namespace)
	must(t, err)
	o, err := resource.Get(context.Background(), target.Name, metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	if target.Kind == OnNodes {
		// The node controller adds and removes this one after spec.unschedulable,
		// now and then later than the next cordon or uncordon.
		taints, _, err := unstructured.NestedSlice(o.Object, "spec", "taints")
		must(t, err)
		taints = slices.DeleteFunc(taints, func(taint any) bool {
			return taint.(map[string]any)["key"] == corev1.TaintNodeUnschedulable
		})
		unstructured.RemoveNestedField(o.Object, "spec", "taints")
		if len(taints) > 0 {
			must(t, unstructured.SetNestedSlice(o.Object, taints, "spec", "taints"))
		}
	}
	return fmt.Sprint(o.Object["spec"], o.Object["data"], o.GetLabels(), o.GetDeletionTimestamp())
}

// TestFaultsOnARealAPIServer takes each fault that needs nothing else through
// its life: undone before it was done, aimed at another object of the name,
// done, proved, undone twice. Those on nodes come first, alone.
func TestFaultsOnARealAPIServer(t *testing.T) {
	for _, f := range []Fault{
		&NodeCordon{}, &NodeDrain{Timeout: time.Minute}, &NodeTaint{Key: "axolotl.dev/chaos"},
		&PodDeletion{}, &PodEviction{Within: time.Minute}, &LabelTornOff{}, &ImageBroken{Image: "axolotl.invalid/broken:0"}, &ScaleToZero{},
		&ConfigDeletion{config{OnConfigMaps}}, &ConfigDeletion{config{OnSecrets}},
		&ConfigAlteration{config: config{OnConfigMaps}, Value: "x"}, &ConfigAlteration{config: config{OnSecrets}, Value: "x"},
	} {
		t.Run(f.Name(), func(t *testing.T) {
			if f.Effect().On != OnNodes {
				t.Parallel()
			}
			h, targets := app(t)
			ctx, target := t.Context(), targets[f.Effect().On]
			before := spec(t, h, target)
			objects, err := f.Prepare(ctx, h, []Target{target})
			must(t, err)
			must(t, f.Undo(ctx, h, objects))
			proof(t, h, objects, f.Undone)

			other := []Object{objects[0]}
			other[0].UID = "another"
			if err := f.Inject(ctx, h, other); !errors.Is(err, ErrNoTarget) {
				t.Errorf("another object of the name: %v", err)
			}
			must(t, f.Undo(ctx, h, other))
			if now := spec(t, h, target); now != before {
				t.Fatalf("another object of the name was changed:\n%s\n%s", before, now)
			}
			if words, err := f.Injected(ctx, h, objects); err == nil {
				t.Errorf("proved before it was done: %s", words)
			}

			must(t, f.Inject(ctx, h, objects))
			t.Log(proof(t, h, objects, f.Injected))
			if now := spec(t, h, target); now == before {
				t.Error("nothing was changed")
			}
			must(t, f.Undo(ctx, h, objects))
			must(t, f.Undo(ctx, h, objects))
			t.Log(proof(t, h, objects, f.Undone))
			if f.Effect().On != OnPods { // pods are replaced, not restored
				// The node controller may come late with the taint of a cordon
				// that is over already.
				await(t, "all is as before", func(context.Context) error {
					if now := spec(t, h, target); now != before {
						return fmt.Errorf("not as before:\n%s\n%s", before, now)
					}
					return nil
				})
			}
		})
	}
}

// TestDisruptionBudgetBlocks asks for what a budget forbids: the error names
// it, the pod stays, and a node that was cordoned before stays cordoned.
func TestDisruptionBudgetBlocks(t *testing.T) {
	for _, f := range []Fault{&PodEviction{Within: time.Second}, &NodeDrain{Timeout: 2 * time.Second}} {
		t.Run(f.Name(), func(t *testing.T) {
			h, targets := app(t)
			ctx, pod, node := t.Context(), targets[OnPods], targets[OnNodes]
			all := intstr.FromString("100%")
			budgets := h.Kube.Typed.PolicyV1().PodDisruptionBudgets(pod.Namespace)
			_, err := budgets.Create(ctx, &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "tight"},
				Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &all, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "app"}}}}, metav1.CreateOptions{})
			must(t, err)
			await(t, "the budget is in force", func(ctx context.Context) error {
				b, err := budgets.Get(ctx, "tight", metav1.GetOptions{})
				if err == nil && b.Status.CurrentHealthy != 2 {
					err = fmt.Errorf("it knows of %d pods", b.Status.CurrentHealthy)
				}
				return err
			})
			must(t, setUnschedulable(ctx, h, Object{Target: node}, true))
			t.Cleanup(func() { must(t, setUnschedulable(context.Background(), h, Object{Target: node}, false)) })

			objects, err := f.Prepare(ctx, h, []Target{targets[f.Effect().On]})
			must(t, err)
			err = f.Inject(ctx, h, objects)
			var blocked *BlockedError
			if !errors.As(err, &blocked) || !slices.Contains(blocked.Budgets, pod.Namespace+"/tight") {
				t.Fatalf("error %v does not name the budget", err)
			}
			must(t, f.Undo(ctx, h, objects))
			proof(t, h, objects, f.Undone)
			if now, err := read(ctx, h, pod); err != nil || now.GetDeletionTimestamp() != nil {
				t.Errorf("the pod was taken nevertheless (%v)", err)
			}
			now, err := h.Kube.Typed.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
			if err != nil || !now.Spec.Unschedulable {
				t.Errorf("the node that was cordoned before is not any more (%v)", err)
			}
		})
	}
}
