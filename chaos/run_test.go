package chaos

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/chaos/observe"
	"axolotl/chaos/timeline"
	"axolotl/internal/check"
	"axolotl/internal/term"
	"axolotl/vm"
)

func TestPodDeletionHeals(t *testing.T) {
	h := cluster(t)
	w := watchIndependently(t, h)
	recording := runner(t, h)
	db := openHistory(t)
	recording.History = db
	e := deletion(t)
	var struck time.Time
	e.Fault = &failing{inject: func() error {
		struck = time.Now()
		<-time.After(time.Second) // a fault that takes its time: it counts from its beginning
		return nil
	}}
	report := recording.Run(t.Context(), e)
	if report.Verdict != Healed || !report.Simulated {
		t.Fatalf("verdict %s (%s), simulated %t", report.Verdict, report.Reason, report.Simulated)
	}
	r := report.Pods[0]
	if r.By == nil || r.By.UID == r.Lost.UID {
		t.Fatalf("pod %s was not replaced by another: %+v", r.Lost.UID, r.By)
	}
	var sum time.Duration
	for _, p := range r.Phases {
		if known := p.Name != timeline.Serving; p.Known != known {
			t.Errorf("phase %s known: %t; nothing serves on simulated nodes", p.Name, p.Known)
		}
		sum += p.Took()
	}
	if sum != r.Total || r.Total <= 0 || *report.HealedAfter != r.Total {
		t.Errorf("phases add up to %v, total %v, healed after %v", sum, r.Total, *report.HealedAfter)
	}

	w.agrees(t, "noticed", r.Phases[0].To, struck, w.pod(w.left, r.Lost.UID))
	w.agrees(t, "healed after", *report.HealedAfter, struck, w.pod(w.ready, r.By.UID))
	leftNothing(t, h, report.ID)
	again, err := ReadReport(t.Context(), db, h.Cluster.Name, report.ID)
	if err != nil || again.Verdict != Healed || again.Pods[0].Total != r.Total || len(again.Plan.Targets) != 1 {
		t.Fatalf("the recorded report differs: %+v, %v", again, err)
	}
	if err := again.AddRaw(t.Context(), db); err != nil || again.Raw == nil {
		t.Fatalf("no raw data: %v", err)
	}
	// The figures can be made again of what is kept.
	fault := timeline.Fault{Lost: []timeline.Pod{r.Lost}}
	if made := timeline.Pods(fault, again.Raw.Timeline); made[0].Total != r.Total || made[0].By.UID != r.By.UID {
		t.Errorf("of the raw data: %+v, of the run: %+v", made[0], r)
	}
}

// leftNothing fails where a run left anything in the cluster or open in the
// journal. Nothing that cordons runs beside others on its cluster.
func leftNothing(t *testing.T, h *vm.Handle, id string) {
	t.Helper()
	namespaces, err := h.Kube.Typed.CoreV1().Namespaces().List(context.Background(), metav1.ListOptions{LabelSelector: journal.RunLabel + "=" + id})
	if err != nil {
		t.Fatal(err)
	}
	for _, ns := range namespaces.Items {
		t.Errorf("namespace %s was left behind", ns.Name)
	}
	nodes, err := h.Kube.Typed.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes.Items {
		if n.Spec.Unschedulable {
			t.Errorf("node %s was left cordoned", n.Name)
		}
	}
	entries, err := journalOf(h.Cluster).All()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.State != journal.Undone && e.ID == id {
			t.Errorf("journal entry %s is %s: %s", e.ID, e.State, e.Error)
		}
	}
}

// zeroing takes the last pod of a target, and then does something more.
type zeroing struct {
	fault.ScaleToZero
	then func()
}

func (f *zeroing) Inject(ctx context.Context, h *vm.Handle, objects []fault.Object) error {
	if err := f.ScaleToZero.Inject(ctx, h, objects); err != nil {
		return err
	}
	f.then()
	return nil
}

// zeroOf is an experiment that takes the last pod of a target that is there before it,
// in a namespace of this name, and after it: what is not undone is seen.
func zeroOf(t *testing.T, h *vm.Handle, namespace string, then func()) *Experiment {
	t.Helper()
	standing(t, h, namespace, 2, nil)
	e := deletion(t)
	e.Fault = &zeroing{then: then}
	e.Target = Target{Namespace: namespace, Deployment: "pingapp", Count: 1}
	e.Guards = Guards{MaxShare: 100, LastReplica: true}
	return e
}

// replicasAre holds the target of zeroOf to have so many replicas.
func replicasAre(t *testing.T, h *vm.Handle, namespace string, want int32) {
	t.Helper()
	deployment, err := h.Kube.Typed.AppsV1().Deployments(namespace).Get(context.Background(), "pingapp", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := *deployment.Spec.Replicas; got != want {
		t.Errorf("it has %d replicas, want %d", got, want)
	}
}

func TestInterruptedRunLeavesNothing(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	const namespace = "interrupted"
	e := zeroOf(t, h, namespace, func() {
		replicasAre(t, h, namespace, 0)
		interrupt()
	})
	report := runner(t, h).Run(ctx, e)
	if report.Verdict != Aborted || report.ExitCode == 0 || report.Undo == "" {
		t.Errorf("verdict %s (%s), exit code %d, undo %q", report.Verdict, report.Reason, report.ExitCode, report.Undo)
	}
	replicasAre(t, h, namespace, 2)
	leftNothing(t, h, report.ID)
}

func TestPanicIsUndone(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	const namespace = "panicked"
	e := zeroOf(t, h, namespace, func() {
		replicasAre(t, h, namespace, 0)
		panic("at the worst time")
	})
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Aborted || report.Undo == "" {
		t.Errorf("verdict %s (%s), undo %q", report.Verdict, report.Reason, report.Undo)
	}
	replicasAre(t, h, namespace, 2)
	leftNothing(t, h, report.ID)
}

func TestFaultWithoutEffect(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	e := deletion(t)
	e.Fault = &vanishing{}
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != NoEffect {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	leftNothing(t, h, report.ID)
}

// TestKilledRunIsUndoneByTheNext ends runs at each place where a process can
// be killed, as the kernel would: without a word. The target is the run's own, which
// goes, or was there before, and has its replicas again.
func TestKilledRunIsUndoneByTheNext(t *testing.T) {
	t.Parallel()
	for i, after := range []string{"Put up the target", "Write the journal", "Inject scale-to-zero", "Prove that it took effect"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			h := apart(t)
			undoneByTheNext(t, h, killAfter(t, h, toZero(t), after))
		})
		if i == 0 {
			continue // there is nothing yet of one that was there
		}
		t.Run(after+", of a target that was there", func(t *testing.T) {
			t.Parallel()
			h, namespace := apart(t), fmt.Sprintf("killed-%d", i)
			id := killAfter(t, h, zeroOf(t, h, namespace, func() {}), after)
			if i > 1 {
				replicasAre(t, h, namespace, 0)
			}
			undoneByTheNext(t, h, id)
			replicasAre(t, h, namespace, 2)
		})
	}
}

// toZero takes the last pod, and is undone by what the journal says.
func toZero(t *testing.T) *Experiment {
	t.Helper()
	e := deletion(t)
	var err error
	if e.Fault, err = fault.New("scale-to-zero"); err != nil {
		t.Fatal(err)
	}
	e.Guards = Guards{MaxShare: 100, LastReplica: true}
	return e
}

// undoneByTheNext holds the next process to undo what a run has left.
func undoneByTheNext(t *testing.T, h *vm.Handle, id string) {
	t.Helper()
	done, err := Recover(t.Context(), h, time.Now, quiet.Start("undo"))
	if err != nil || len(done) != 1 || done[0].ID != id {
		t.Errorf("undone %v, error %v, want run %s", done, err, id)
	}
	leftNothing(t, h, id)
}

// killAfter performs a run up to a step and abandons it, with its locks freed
// as at the end of a process.
func killAfter(t *testing.T, h *vm.Handle, e *Experiment, after string) (id string) {
	t.Helper()
	return killRunAfter(t, runner(t, h).newRun(e), after)
}

func killRunAfter(t *testing.T, x *run, after string) (id string) {
	t.Helper()
	killed := errors.New("killed")
	steps := x.steps()
	for i := range steps {
		if steps[i].name == after {
			do := steps[i].do
			steps[i].do = func(ctx context.Context, s *term.Step) error {
				if err := do(ctx, s); err != nil {
					return err
				}
				return killed
			}
		}
	}
	if err := x.perform(t.Context(), steps); !errors.Is(err, killed) {
		t.Fatalf("the run ended with %v before %q", err, after)
	}
	if x.observer != nil {
		x.observer.Close()
	}
	x.unlock()
	if err := x.entry.Release(); err != nil {
		t.Fatal(err)
	}
	return x.id
}

func TestSkippedWhereNothingAnswersAClient(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	e, err := Open("pod-deletion")
	if err != nil {
		t.Fatal(err)
	}
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Skipped || report.ExitCode != 3 || report.Verdict.Passed() {
		t.Errorf("verdict %s (%s), exit code %d", report.Verdict, report.Reason, report.ExitCode)
	}
	leftNothing(t, h, report.ID)
}

func TestExistingTargetIsLeftInPlace(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	const namespace = "mine"
	standing(t, h, namespace, 3, nil)
	e := deletion(t)
	e.Target = Target{Namespace: namespace, Deployment: "pingapp", Count: 1}
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Healed {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	if _, err := h.Kube.Typed.AppsV1().Deployments(namespace).Get(t.Context(), "pingapp", metav1.GetOptions{}); err != nil {
		t.Errorf("the target that was given: %v", err)
	}
	plan, err := runner(t, h).Plan(t.Context(), e)
	if err != nil || len(plan.Targets) != 1 || plan.Candidates != 3 {
		t.Errorf("plan %+v, error %v", plan, err)
	}
	again, err := runner(t, h).Plan(t.Context(), e)
	if err != nil || again.Targets[0] != plan.Targets[0] {
		t.Errorf("the same seed chose %v and %v", plan.Targets, again.Targets)
	}

	e.Target.Deployment = "none"
	if report := runner(t, h).Run(t.Context(), e); report.Refusal == nil || report.Refusal.Guard != "zero-targets" {
		t.Errorf("no target at all: verdict %s (%s)", report.Verdict, report.Reason)
	}
	if _, err := h.Kube.Typed.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		t.Error("the namespace that was given is gone")
	}
}

// standing puts up a target that is there before any run, in a namespace of its
// own, and removes it at the end of the test. change, where not nil, changes its
// Deployment.
func standing(t *testing.T, h *vm.Handle, namespace string, replicas int, change func(deployment *unstructured.Unstructured)) {
	t.Helper()
	objects, err := appObjects(namespace, "", Target{Replicas: replicas})
	if err != nil {
		t.Fatal(err)
	}
	objects[0].SetLabels(nil)
	if change != nil {
		change(objects[3])
	}
	if _, err := h.Kube.Apply(t.Context(), namespace, objects...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Kube.Delete(context.Background(), "", objects[0]); err != nil {
			t.Error(err)
		}
	})
	awaitPods(t, h, namespace, replicas)
}

// awaitPods waits until a namespace has so many pods.
func awaitPods(t *testing.T, h *vm.Handle, namespace string, count int) {
	t.Helper()
	awaitSuch(t, h, namespace, count, func(timeline.Pod) bool { return true })
}

// awaitReady waits until a namespace has so many pods that are ready.
func awaitReady(t *testing.T, h *vm.Handle, namespace string, count int) {
	t.Helper()
	awaitSuch(t, h, namespace, count, func(p timeline.Pod) bool { return p.Ready && !p.Leaving })
}

func awaitSuch(t *testing.T, h *vm.Handle, namespace string, count int, such func(timeline.Pod) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	there := check.Func("the pods are there", func(ctx context.Context) error {
		pods, err := h.Kube.Typed.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		n := 0
		for i := range pods.Items {
			if such(observe.PodState(&pods.Items[i])) {
				n++
			}
		}
		if n != count {
			return fmt.Errorf("%d of %d", n, count)
		}
		return nil
	})
	if err := check.Wait(ctx, there, 50*time.Millisecond, nil); err != nil {
		t.Fatal(err)
	}
}
