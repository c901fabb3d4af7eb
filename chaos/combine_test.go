package chaos

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
	"axolotl/internal/strictyaml"
	"axolotl/vm"
)

// combined breaks a node, which stays so, then two things at once, then a pod.
const combined = `
name: combined
title: several things, one after another
target: {app: pingapp, replicas: 3}
steps:
  - fault: {name: node-cordon}
  - parallel:
      - {fault: {name: configmap-deletion}, lasts: 1s}
      - {fault: {name: pod-deletion}, after: 100ms}
  - {fault: {name: kernel-panic}, optional: true}
  - {fault: {name: pod-eviction}, healWithin: 30s}
guards: {maxShare: 100}
seed: 3
`

func parsed(t *testing.T, text string) *Experiment {
	t.Helper()
	e, err := Parse("combined.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// combinedHeals runs it: every step heals in its turn, all stand on one axis, and
// what stayed in is undone at the end.
func combinedHeals(t *testing.T, h *vm.Handle) {
	recording := runner(t, h)
	db := openHistory(t)
	recording.History = db
	report := recording.Run(t.Context(), parsed(t, combined))
	if report.Verdict != Healed || len(report.Steps) != 5 {
		t.Fatalf("verdict %s (%s), %d steps", report.Verdict, report.Reason, len(report.Steps))
	}
	struck := map[int]time.Duration{} // when the last of each step was; those of one have no order
	for i, s := range report.Steps {
		want := []string{"node-cordon", "configmap-deletion", "pod-deletion", "kernel-panic", "pod-eviction"}[i]
		if s.Fault.Name != want || s.Step != []int{1, 2, 2, 3, 4}[i] {
			t.Errorf("step %d is %s, counted %d", i, s.Fault.Name, s.Step)
		}
		if want == "kernel-panic" {
			if s.Verdict != Skipped || s.At != nil || s.Reason == "" {
				t.Errorf("what cannot be had: %+v", s)
			}
			continue
		}
		if s.Verdict != Healed || s.Proof == "" || s.HealedAfter == nil || s.Undo == "" || *s.At < struck[s.Step-1] {
			t.Fatalf("step %d, %s: %+v", s.Step, want, s)
		}
		struck[s.Step] = max(struck[s.Step], *s.At)
		if pods := strings.HasPrefix(want, "pod-"); pods != (len(s.Pods) == 1) {
			t.Errorf("%s has lost %d pods", want, len(s.Pods))
		}
	}
	if first := report.Steps[0]; *first.At != 0 || first.Until == nil || *first.Until < struck[4] {
		t.Errorf("the cordon, which stays in until the end: %+v", first)
	}
	if report.Score == nil || report.Score.Of != 10+20+20+40 || report.Score.Points != report.Score.Of {
		t.Errorf("score %+v", report.Score)
	}
	leftNothing(t, h, report.ID)
	entries, err := journalOf(h.Cluster).All()
	if err != nil {
		t.Fatal(err)
	}
	of := slices.DeleteFunc(entries, func(e journal.Entry) bool { return !strings.HasPrefix(e.ID, report.ID) })
	if len(of) != 5 { // its own, and one for each step that was done
		t.Errorf("%d entries in the journal", len(of))
	}
	for i, e := range of {
		if e.State != journal.Undone || i > 1 && e.Fault != nil && e.Ended.After(*of[i-1].Ended) {
			t.Errorf("entry %d, %+v, was not undone before the one that came before it", i, e)
		}
	}
	again, err := ReadReport(t.Context(), db, h.Cluster.Name, report.ID)
	if err != nil || len(again.Steps) != 5 || len(again.Times()) < 3 {
		t.Fatalf("recorded: %v, %+v", err, again)
	}
	var out strings.Builder
	if err := again.Draw(&out); err != nil || !strings.Contains(out.String(), "score       90 of 90 points") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if e, err := again.Recipe(); err != nil || len(e.Steps) != 4 || len(e.Steps[1].Parallel) != 2 || e.Seed != 3 {
		t.Errorf("to replay: %+v, %v", e, err)
	}
}

// combinedIsUndoneByTheNext abandons it while three faults are in.
func combinedIsUndoneByTheNext(t *testing.T, h *vm.Handle) {
	e := parsed(t, combined)
	killed := errors.New("killed")
	e.Steps[1].Parallel[1].Fault = &failing{inject: func() error { return killed }}
	x := runner(t, h).newRun(e)
	if err := x.perform(t.Context(), x.steps()); err != nil {
		t.Fatal(err)
	}
	if err := x.play(t.Context()); !errors.Is(err, killed) {
		t.Fatalf("it ended: %v", err)
	}
	x.observer.Close()
	entries := []*journal.Held{x.entry}
	for _, p := range x.parts {
		entries = append(entries, p.entry)
	}
	for _, p := range append([]*part{{run: x}}, x.parts...) {
		p.unlock()
	}
	for _, held := range entries {
		if held != nil {
			if err := held.Release(); err != nil {
				t.Fatal(err)
			}
		}
	}
	done, err := Recover(t.Context(), h, time.Now, quiet.Start("undo"))
	var order []string
	for _, d := range done {
		order = append(order, strings.TrimPrefix(d.ID, x.id))
	}
	if err != nil || !slices.Equal(order, []string{"-3", "-2", "-1", ""}) {
		t.Errorf("undone %v, %v; want the last first", order, err)
	}
	leftNothing(t, h, x.id)
}

// eachNodeInTurn cordons all nodes, one at a time.
func eachNodeInTurn(t *testing.T, h *vm.Handle) {
	e := parsed(t, combined)
	e.Steps = []Step{{Fault: &fault.NodeCordon{}, Lasts: 200 * time.Millisecond, Each: true}}
	report := runner(t, h).Run(t.Context(), e)
	workers, err := h.Kube.Typed.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: "!" + controlPlaneLabel})
	if err != nil {
		t.Fatal(err)
	}
	struck := map[string]bool{}
	for _, s := range report.Steps {
		struck[s.Targets[0].Name] = true
	}
	if report.Verdict != Healed || len(struck) != len(workers.Items) || len(report.Steps) != len(struck) {
		t.Errorf("verdict %s (%s), struck %v of %d", report.Verdict, report.Reason, struck, len(workers.Items))
	}
	leftNothing(t, h, report.ID)
}

// A part lasts as long as it should, and must heal within its own time, however long
// those beside it wait.
func partsDoNotWaitForEachOther(t *testing.T, h *vm.Handle) {
	e := parsed(t, combined)
	e.Steps = []Step{{Parallel: []Step{
		{Fault: &fault.NodeCordon{}, Lasts: time.Second, HealWithin: 3 * time.Second},
		{Fault: &fault.PodDeletion{}, After: 8 * time.Second},
	}}}
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Healed || len(report.Steps) != 2 {
		t.Fatalf("verdict %s (%s), %d steps", report.Verdict, report.Reason, len(report.Steps))
	}
	cordon, deletion := report.Steps[0], report.Steps[1]
	if lasted := *cordon.Until - *cordon.At; lasted < time.Second || lasted > 4*time.Second {
		t.Errorf("the cordon lasted %s", lasted)
	}
	if *cordon.At != 0 || *deletion.At < 6*time.Second {
		t.Errorf("struck at %s and %s", *cordon.At, *deletion.At)
	}
	leftNothing(t, h, report.ID)
}

// Where one of several cannot be struck, those that still wait are not.
func TestPartsAreHeldBack(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	lost, err := Open("config-lost")
	if err != nil {
		t.Fatal(err)
	}
	e := parsed(t, combined)
	e.Steps = []Step{{Parallel: []Step{
		{Fault: lost.Fault, After: time.Hour},
		{Fault: &failing{inject: func() error { return errors.New("it cannot be struck") }}},
	}}}
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Aborted || !strings.Contains(report.Reason, "it cannot be struck") {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	if held := report.Steps[0]; held.At != nil || held.Verdict != "" {
		t.Errorf("the one that waited: %+v", held)
	}
	leftNothing(t, h, report.ID)
}

// Once something was struck the run was not refused, nor without effect, whatever
// comes of a later step, and no such verdict is what its experiment wants.
func TestALaterStepThatIsRefused(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	deletion := Step{Fault: &fault.PodDeletion{}}
	for name, test := range map[string]struct {
		steps []Step
		want  Verdict
		says  string
	}{
		"refused, and first":   {[]Step{{Fault: &fault.PodDeletion{}, Count: 3}, deletion}, Refused, "last-replica"},
		"refused, and later":   {[]Step{deletion, {Fault: &fault.PodDeletion{}, Count: 3}}, Aborted, `step 2, pod-deletion: guard "last-replica" refuses`},
		"no effect, and first": {[]Step{{Fault: &vanishing{}}}, NoEffect, "step 1"},
		"no effect, and later": {[]Step{deletion, {Fault: &vanishing{}}}, Aborted, "step 2, pod-deletion: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := parsed(t, combined)
			e.Steps, e.Expect = test.steps, Refused
			report := runner(t, h).Run(t.Context(), e)
			passes := test.want == Refused
			if report.Verdict != test.want || !strings.Contains(report.Reason, test.says) || report.Passed() != passes || (report.ExitCode == 0) != passes {
				t.Errorf("verdict %s (%s), exit code %d", report.Verdict, report.Reason, report.ExitCode)
			}
			if last := report.Steps[len(report.Steps)-1]; test.want == Aborted && (last.Verdict != Refused && last.Verdict != NoEffect || report.Refusal != nil) {
				t.Errorf("its last step: %+v", last)
			}
			leftNothing(t, h, report.ID)
		})
	}
}

// Two steps at once cannot strike the same thing, and what is refused strikes
// nothing.
func TestParallelStepsOnOneTarget(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	e := parsed(t, combined)
	e.Steps = []Step{{Parallel: []Step{{Fault: &fault.PodDeletion{}}, {Fault: &fault.PodEviction{Within: time.Second}}}}}
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Refused || report.Refusal.Guard != "one-at-a-time" && report.Refusal.Guard != "last-replica" || report.Steps[0].At != nil {
		t.Errorf("verdict %s (%s), %+v", report.Verdict, report.Reason, report.Steps)
	}
	leftNothing(t, h, report.ID)
}

// The guards see what steps take together.
func TestGuardsSeeAllSteps(t *testing.T) {
	node := func(name string) []fault.Object {
		return []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: name, UID: "u-x"}}}
	}
	whole := &run{}
	first := &part{run: &run{experiment: &Experiment{Fault: &fault.PowerCut{}}, whole: whole, targets: node("a"), scene: &scene{}}}
	second := &part{run: &run{experiment: &Experiment{Fault: &fault.PowerCut{}}, whole: whole, targets: node("b"), scene: &scene{}}}
	second.targets[0].UID = "u-y"
	whole.parts = []*part{first, second}
	if got := len(second.allTargets(fault.OnNodes)); got != 2 {
		t.Errorf("%d targets together", got)
	}
	if got := second.allEtcdTaken(); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("etcd is taken from %v", got)
	}
	first.settled, first.over = true, true
	if got := len(second.allTargets(fault.OnNodes)); got != 1 {
		t.Errorf("%d targets, after the first has healed", got)
	}
	if got := second.allEtcdTaken(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("etcd is taken from %v, after the first is over", got)
	}
}

func TestFaultsOfSteps(t *testing.T) {
	const head = "name: a\ntitle: b\ntarget: {app: pingapp}\n"
	for text, want := range map[string]string{
		"steps: [{lasts: 3s}]":                                              "steps[0] wants either fault or parallel",
		"steps: [{fault: {name: pod-deletoin}}]":                            `f.yaml:4:24: unknown fault "pod-deletoin" (did you mean "pod-deletion"`,
		"steps: [{fault: {name: node-cordon}, each: true, count: 2}]":       "steps[0].each takes all",
		"steps: [{parallel: [{fault: {name: node-cordon}, each: true}]}]":   "steps[0].parallel[0].each cannot be parallel",
		"steps: [{lasts: 1s, parallel: [{fault: {name: node-cordon}}]}]":    "steps[0] has parallel steps",
		"steps: [{fault: {name: node-cordon}, nodes: w}]":                   `steps[0].nodes "w" is unknown`,
		"steps: [{fault: {name: node-cordon}}]\nlasts: 3s":                  "lasts is said by each step",
		"steps: [{fault: {name: node-cordon}}]\nfault: {name: node-cordon}": "steps has what is broken, and so has fault",
	} {
		_, err := Parse("f.yaml", []byte(head+text+"\n"))
		var faults strictyaml.Faults
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got\n%v\nwant %s", text, err, want)
		}
	}
}

// The score says what each step has given, and why.
func TestScore(t *testing.T) {
	sec := func(n float64) *time.Duration { d := time.Duration(n * float64(time.Second)); return &d }
	p := &Report{Steps: []StepReport{
		{Step: 1, Fault: fault.Spec{Name: "a"}, Verdict: Healed, At: sec(0), HealedAfter: sec(2), HealWithin: *sec(5)},
		{Step: 2, Fault: fault.Spec{Name: "b"}, Verdict: HealedLate, Reason: "healed after 7s, asked for 5s", At: sec(10), HealedAfter: sec(7), HealWithin: *sec(5)},
		{Step: 3, Fault: fault.Spec{Name: "c"}, Verdict: Skipped, Reason: "no machines"},
		{Step: 4, Fault: fault.Spec{Name: "d"}, Verdict: NotHealed, Reason: "it did not", At: sec(20)},
		{Step: 5, Fault: fault.Spec{Name: "e"}},
	}}
	var requests []RawRequest
	for i := range 30 { // every other one fails while b is in
		q := RawRequest{At: *sec(float64(i))}
		if i > 10 && i%2 == 0 {
			q.Fail = "refused"
		}
		requests = append(requests, q)
	}
	told := func() string {
		s := p.score(requests)
		text := fmt.Sprintf("%d/%d", s.Points, s.Of)
		for _, l := range s.Lines {
			text += fmt.Sprintf(" %s:%d/%d", l.Fault, l.Points, l.Of)
		}
		return text
	}
	if got, want := told(), "20/120 a:10/10 b:10/20 c:0/0 d:0/40 e:0/50"; got != want {
		t.Errorf("without a client %s, want %s", got, want)
	}
	p.Client = &probe.Summary{}
	if got, want := told(), "21/120 a:10/10 b:11/20 c:0/0 d:0/40 e:0/50"; got != want {
		t.Errorf("with a client %s, want %s", got, want)
	}
	p.Score = p.score(requests)
	p.Steps[0].Pods = []timeline.Recovery{{Lost: timeline.Pod{Name: "x"}, Total: *sec(2), Phases: []timeline.Phase{{Name: timeline.Noticed, Known: true, To: *sec(2)}}}}
	p.Steps[1].Until = sec(15)
	p.Verdict, p.Client = NotHealed, nil
	var out strings.Builder
	if err := p.Draw(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"step 1: a, healed after 2.00 s (asked for 5s)", "step 4: d, not-healed: it did not", "step 5: e, not ended",
		"  step 2   11 of  20  b: healed after 7s, asked for 5s; 5 of 8 requests were answered meanwhile",
		"  step 3    0 of   0  c: not to be had here: no machines", "  step 5    0 of  50  e: not reached",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the drawing lacks %q:\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := p.WriteHTML(&out); err != nil || !strings.Contains(out.String(), "Score: 21 of 120 points") || !strings.Contains(out.String(), "step 2: b") {
		t.Errorf("the page: %v", err)
	}
	if path := os.Getenv("AXOLOTL_TEST_HTML_STEPS"); path != "" { // to look at
		if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
			t.Error(err)
		}
	}
}
