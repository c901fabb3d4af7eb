package chaos

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/vm"
)

// tier is the label by which the tests here find several workloads.
var tier = map[string]string{"tier": "x"}

// tiered gives the pods of a workload that label, and a name, and more if asked for.
func tiered(t *testing.T, workload *unstructured.Unstructured, name string, pod map[string]any) {
	t.Helper()
	set := func(value any, at ...string) {
		t.Helper()
		if err := unstructured.SetNestedField(workload.Object, value, at...); err != nil {
			t.Fatal(err)
		}
	}
	workload.SetName(name)
	set(map[string]any{"app": name}, "spec", "selector", "matchLabels")
	set(map[string]any{"app": name, "tier": "x"}, "spec", "template", "metadata", "labels")
	for key, value := range pod {
		set(value, "spec", "template", "spec", key)
	}
}

// alsoStanding puts up one more workload of some kind, whether its pods come or not.
func alsoStanding(t *testing.T, h *vm.Handle, namespace, kind, name string, replicas int, pod map[string]any) {
	t.Helper()
	objects, err := appObjects(namespace, "", Target{Replicas: replicas})
	if err != nil {
		t.Fatal(err)
	}
	workload := objects[3]
	tiered(t, workload, name, pod)
	workload.SetLabels(nil)
	workload.SetKind(kind)
	if kind == "DaemonSet" {
		unstructured.RemoveNestedField(workload.Object, "spec", "replicas")
	}
	if _, err := h.Kube.Apply(t.Context(), namespace, workload); err != nil {
		t.Fatal(err)
	}
}

func tierOf(t *testing.T, h *vm.Handle, namespace string) *scene {
	t.Helper()
	s, err := readScene(t.Context(), h.Kube, Target{Namespace: namespace, Selector: tier})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What has no pods, and should, is not well, however well those are that have.
func TestControllersWithoutPods(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	standing(t, h, "hollow", 2, func(web *unstructured.Unstructured) { tiered(t, web, "web", nil) })
	awaitReady(t, h, "hollow", 2)
	if words := tierOf(t, h, "hollow").unwell(); len(words) > 0 {
		t.Errorf("it is well, and said to be: %v", words)
	}
	alsoStanding(t, h, "hollow", "Deployment", "idle", 0, nil)
	if words := tierOf(t, h, "hollow").unwell(); len(words) > 0 {
		t.Errorf("one that wants no pods: %v", words)
	}
	nobody := map[string]any{"serviceAccountName": "nobody"} // so that no pod is admitted
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet"} {
		alsoStanding(t, h, "hollow", kind, "no-"+strings.ToLower(kind), 2, nobody)
	}
	eventually(t, "all three are seen", func() string {
		words := strings.Join(tierOf(t, h, "hollow").unwell(), ", ")
		for _, want := range []string{"Deployment no-deployment has 0 of 2", "StatefulSet no-statefulset has 0 of 2", "DaemonSet no-daemonset has 0 of 2"} {
			if !strings.Contains(words, want) {
				return words
			}
		}
		return ""
	})

	e := deletion(t)
	e.Target = Target{Namespace: "hollow", Selector: tier, Count: 1}
	_, err := runner(t, h).Plan(t.Context(), e)
	refusedBy(t, err, "healthy-before")
}

// eventually waits until look says nothing.
func eventually(t *testing.T, what string, look func() string) {
	t.Helper()
	var last string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		if last = look(); last == "" {
			return
		}
	}
	t.Fatalf("%s: %s", what, last)
}

// What stood before a fault must stand after it: that which has lost its last pod, or
// is no more, says so, and does not just drop out of what is looked at.
func TestControllersThatStoodBefore(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	standing(t, h, "stood", 1, func(web *unstructured.Unstructured) { tiered(t, web, "web", nil) })
	for _, name := range []string{"gone", "anew", "scaled", "relabelled"} {
		alsoStanding(t, h, "stood", "Deployment", name, 1, nil)
	}
	awaitReady(t, h, "stood", 5)
	before := tierOf(t, h, "stood")
	deployments, ctx := h.Kube.Typed.AppsV1().Deployments("stood"), t.Context()
	for _, name := range []string{"gone", "anew"} {
		if err := deployments.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	alsoStanding(t, h, "stood", "Deployment", "anew", 1, nil)
	for name, patch := range map[string]string{
		"scaled":     `{"spec":{"replicas":0}}`,
		"relabelled": `{"spec":{"template":{"metadata":{"labels":{"tier":null}}}}}`,
	} {
		if _, err := deployments.Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	want := "Deployment relabelled has 0 of 1 pods ready|Deployment anew, which was there before the fault, is gone|" +
		"Deployment gone, which was there before the fault, is gone|Deployment scaled wants no pods, and wanted 1 before the fault"
	eventually(t, "want "+want, func() string {
		s, err := readScene(ctx, h.Kube, Target{Namespace: "stood", Selector: tier})
		if err == nil {
			err = s.hold(ctx, h.Kube, before)
		}
		if err != nil {
			return err.Error()
		}
		if got := strings.Join(s.lacking(), "|"); got != want {
			return got
		}
		return ""
	})
}

// A run during which another workload of its target is lost has not healed, and says
// which.
func TestSideEffectsAreSeen(t *testing.T) {
	t.Parallel()
	h := apart(t)
	standing(t, h, "aside", 2, func(web *unstructured.Unstructured) { tiered(t, web, "web", nil) })
	alsoStanding(t, h, "aside", "Deployment", "api", 1, nil)
	awaitReady(t, h, "aside", 3)
	e := deletion(t)
	e.Target, e.HealWithin = Target{Namespace: "aside", Selector: tier, Count: 1}, 2*time.Second
	e.Guards.LastReplica = true
	e.Fault = &failing{inject: func() error {
		return h.Kube.Typed.AppsV1().Deployments("aside").Delete(context.Background(), "api", metav1.DeleteOptions{})
	}}
	candidates := []fault.Target{{Name: "api"}, {Name: "web"}, {Name: "web"}} // by name
	for choose(candidates, e.Target, e.Seed)[0].Name == "api" {               // another is to be chosen
		e.Seed++
	}
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != NotHealed || !strings.Contains(report.Reason, "Deployment api, which was there before the fault, is gone") {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
}
