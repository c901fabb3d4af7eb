package labs

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/vm"
	"axolotl/vm/local/localtest"
)

// handle is the cluster of all tests here: a real API server and controllers,
// simulated nodes.
var handle *vm.Handle

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(m.Run()) // the parser needs no cluster, and each fuzz worker would start one
	}
	if name := os.Getenv(clusterVariableName); name != "" {
		var err error
		if handle, err = openGiven(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		given = true
		os.Exit(m.Run()) // with as many tests at once as -parallel says
	}
	// The tests wait for controllers (a namespace takes 5 s to go), they do not
	// compute: more of them than CPUs may run at once.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(localtest.Main(m, 1, func(h *vm.Handle) { handle = h }))
}

func needCluster(t *testing.T) {
	t.Helper()
	if handle == nil {
		t.Skip("needs a cluster")
	}
}

func parse(t *testing.T, text string) *Lab {
	t.Helper()
	lab, err := Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// oneStep is a lab of the given step, indented by four.
func oneStep(t *testing.T, step string) *Lab {
	t.Helper()
	return parse(t, `
name: one-step
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
steps:
  - name: only
    say: {en: s, es: s}
    timeout: 20s
`+step)
}

func run(t *testing.T, lab *Lab) Result {
	t.Helper()
	return runOn(t, handle, lab)
}

func runOn(t *testing.T, h *vm.Handle, lab *Lab) Result {
	t.Helper()
	result, err := Run(t.Context(), h, lab, Options{})
	if err != nil {
		t.Fatal(err)
	}
	gone(t, h, result.Namespace)
	return result
}

// gone fails the test where a namespace is still there.
func gone(t *testing.T, h *vm.Handle, namespace string) {
	t.Helper()
	if namespace == "" {
		return
	}
	list, err := h.Kube.Typed.CoreV1().Namespaces().List(context.WithoutCancel(t.Context()), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		if strings.HasPrefix(list.Items[i].Name, namespace) {
			t.Errorf("namespace %s is left", list.Items[i].Name)
		}
	}
}

// expectFailureAt wants the checks of one step, and no other, to have failed,
// and to say why.
func expectFailureAt(t *testing.T, result Result, i int) {
	t.Helper()
	failed := result.Steps[i]
	if result.Outcome != Failed || failed.Outcome != Failed {
		t.Fatalf("lab %s, step %s: %s; want its checks to fail", result.Outcome, failed.Outcome, result.Reason)
	}
	checked := len(failed.Checks) > 0                 // else what it does was refused already
	unasked := given && failed.Problem.Expected == "" // an API server that is down, on purpose, tells nothing
	if checked && !unasked && (failed.Problem.Expected == "" || len(failed.Problem.Seen) == 0) {
		t.Errorf("the failure does not say what was expected and what was there: %+v", failed.Problem)
	}
	for _, later := range result.Steps[i+1:] {
		if later.Outcome != NotReached {
			t.Errorf("step %s is %s after a failed one", later.Name, later.Outcome)
		}
	}
}

func TestChecksThatProveNothing(t *testing.T) {
	needCluster(t)
	t.Parallel()
	const step = `
    check:
      - object: {kind: Namespace, name: "{{ namespace }}"}
`
	result := run(t, oneStep(t, step))
	if result.Outcome != Failed || !strings.Contains(result.Reason, "prove nothing") {
		t.Errorf("%s: %s; want it refused", result.Outcome, result.Reason)
	}
	if result := run(t, oneStep(t, step+"    alreadyTrue: true\n")); result.Outcome != Passed {
		t.Errorf("with alreadyTrue: %s: %s", result.Outcome, result.Reason)
	}
}

func TestActionsAndChecks(t *testing.T) {
	needCluster(t)
	t.Parallel()
	result := run(t, parse(t, `
name: actions
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
steps:
  - name: namespaces
    say: {en: s, es: s}
    do:
      - namespace: "{{ namespace }}"
      - namespace: "{{ namespace }}-other"
    check:
      - object: {kind: Namespace, name: "{{ namespace }}-other"}
        cel: object.metadata.name == vars.namespace + '-other'
  - name: deploy
    say: {en: s, es: s}
    do:
      apply: |
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: "{{ namespace }}-other"}
        spec:
          replicas: 1
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: web, image: old, env: [{name: A, value: a}, {name: B, value: b}]}]}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: config, namespace: "{{ namespace }}-other"}
        data: {B: from config, C: c}
    check:
      - object: {kind: Deployment, name: web, namespace: "{{ namespace }}-other"}
        cel: object.status.readyReplicas == 1
      - event: {kind: Deployment, name: web, reason: ScalingReplicaSet}
        not: true
  - name: change
    say: {en: s, es: s}
    remember:
      - name: uid
        object: {kind: Deployment, name: web, namespace: "{{ namespace }}-other"}
        cel: object.metadata.uid
    do:
      - setImage: {kind: Deployment, name: web, namespace: "{{ namespace }}-other", image: new}
      - scale: {kind: Deployment, name: web, namespace: "{{ namespace }}-other", replicas: 2}
      - label: {kind: Deployment, name: web, namespace: "{{ namespace }}-other", set: {tier: front}}
      - env: {kind: Deployment, name: web, namespace: "{{ namespace }}-other", set: {D: "{{ uid }}"}, unset: [A], fromConfigMap: config}
      - patch: {kind: ConfigMap, name: config, namespace: "{{ namespace }}-other", with: {data: {C: null}}}
    check:
      - object: {kind: Deployment, name: web, namespace: "{{ namespace }}-other"}
        cel: |
          object.spec.template.spec.containers[0].image == 'new' && object.metadata.labels.tier == 'front' &&
          object.status.readyReplicas == 2 && object.metadata.uid == vars.uid
      - object: {kind: Deployment, name: web, namespace: "{{ namespace }}-other"}
        cel: |
          object.spec.template.spec.containers[0].env.map(e, e.name) == ['B', 'C', 'D'] &&
          object.spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.name == 'config' &&
          object.spec.template.spec.containers[0].env[2].value == vars.uid
      - object: {kind: ConfigMap, name: config, namespace: "{{ namespace }}-other"}
        cel: "!has(object.data.C)"
`))
	if result.Outcome != Passed {
		t.Errorf("%s: %s\n%+v", result.Outcome, result.Reason, result.Steps[len(result.Steps)-1].Problem)
	}
}

func TestOutsideOfItsNamespaces(t *testing.T) {
	needCluster(t)
	t.Parallel()
	for action, want := range map[string]string{
		"delete: {kind: ConfigMap, name: kube-root-ca.crt, namespace: kube-system}":           `not in "kube-system"`,
		"label: {kind: Node, labels: {kubernetes.io/os: linux}, set: {a: b}}":                 "not in a namespace",
		"apply: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}'": `not in "default"`,
		"apply: '{apiVersion: v1, kind: PersistentVolume, metadata: {name: a}}'":              "not in a namespace",
		"scale: {kind: Deployment, name: none, replicas: 1}":                                  "not found",
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			result := run(t, oneStep(t, "    do: [{"+action+"}]\n    check: [{object: {kind: Pod, name: none}}]\n"))
			if result.Outcome != Failed || !strings.Contains(result.Reason, want) {
				t.Errorf("%s:\n got %s: %s\nwant …%s…", action, result.Outcome, result.Reason, want)
			}
		})
	}
}

func TestSkippedWhereNeedsAreNotMet(t *testing.T) {
	needCluster(t)
	t.Parallel()
	first, err := Open("first-steps")
	if err != nil {
		t.Fatal(err)
	}
	many := oneStep(t, "    check: [{object: {kind: Pod, name: none}}]\n")
	many.Needs = Needs{Nodes: 99}
	power := oneStep(t, "    check: [{object: {kind: Pod, name: none}}]\n")
	power.Needs = Needs{MachineControl: true}
	for _, lab := range []*Lab{first, many, power} {
		if result := run(t, lab); result.Outcome != Skipped || result.Reason == "" || result.Namespace != "" {
			t.Errorf("lab %s with needs %+v: %s %q", lab.Name, lab.Needs, result.Outcome, result.Reason)
		}
	}
}

func TestInterruptedLeavesNothing(t *testing.T) {
	needCluster(t)
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	lab := oneStep(t, "    check: [{object: {kind: ConfigMap, name: never}}]\n")
	options := Options{Now: func() time.Time { return time.Now() }}
	interrupt := errors.New("SIGINT")
	go func() { // interrupts as soon as the lab has its namespace
		selector := LabelLab + "=one-step-interrupted"
		begun := check.Func("the lab has begun", func(ctx context.Context) error {
			list, err := handle.Kube.Typed.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: selector})
			if err == nil && len(list.Items) == 0 {
				err = errors.New("not yet")
			}
			return err
		})
		_ = check.Wait(t.Context(), begun, 10*time.Millisecond, nil)
		cancel(interrupt)
	}()
	lab.Name = "one-step-interrupted"
	result, err := Run(ctx, handle, lab, options)
	if result.Outcome != Interrupted || !errors.Is(err, interrupt) {
		t.Errorf("outcome %s, error %v", result.Outcome, err)
	}
	gone(t, handle, result.Namespace)
}

func TestNamespaceDeletedInTheMiddle(t *testing.T) {
	needCluster(t)
	t.Parallel()
	lab := oneStep(t, `
    do:
      - apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
    check: [{object: {kind: ConfigMap, name: a}}]
`)
	lab.Steps = append(lab.Steps, lab.Steps[0])
	lab.Steps[1].Name, lab.Steps[1].AlreadyTrue = "again", true
	s := newSession(handle, lab, time.Now)
	r := &runner{Options: Options{Now: time.Now, Progress: quiet()}, session: s, lab: lab}
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.end(t.Context()); err != nil { // the learner deletes it
		t.Fatal(err)
	}
	sr := r.reported(t.Context(), "again", &lab.Steps[1])
	if sr.Outcome != Failed || !strings.Contains(sr.Problem.Message, "not found") {
		t.Errorf("%s: %+v", sr.Outcome, sr.Problem)
	}
	if err := s.end(t.Context()); err != nil {
		t.Errorf("clean up of what is gone: %v", err)
	}
}

func TestKeep(t *testing.T) {
	needCluster(t)
	t.Parallel()
	lab := oneStep(t, "    alreadyTrue: true\n    check: [{object: {kind: Namespace, name: \"{{ namespace }}\"}}]\n")
	result, err := Run(t.Context(), handle, lab, Options{Keep: true})
	if err != nil || result.Outcome != Passed || !result.Kept {
		t.Fatalf("%+v, error %v", result, err)
	}
	namespaces := handle.Kube.Typed.CoreV1().Namespaces()
	kept, err := namespaces.Get(t.Context(), result.Namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatalf("it was not kept: %v", err)
	}
	if kept.Labels[LabelLab] != lab.Name || kept.Labels[LabelSession] == "" {
		t.Errorf("labels %v", kept.Labels)
	}
	if err := namespaces.Delete(t.Context(), result.Namespace, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}
