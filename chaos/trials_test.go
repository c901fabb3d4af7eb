package chaos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/journal"
	"axolotl/chaos/timeline"
	"axolotl/vm"
)

// savedState is a snapshot that counts what is done to it.
type savedState struct {
	handle            *vm.Handle
	restored, deleted int
	failAt            int // the restore that fails; 0 for none
}

func (s *savedState) Restore(context.Context) (*vm.Handle, error) {
	s.restored++
	if s.restored == s.failAt {
		return nil, errors.New("the host is out of memory")
	}
	return s.handle, nil
}
func (s *savedState) Delete() error { s.deleted++; return nil }

// Trials begin with the snapshot restored, each, and it is deleted whatever
// comes between. Where nothing would run none is taken.
func TestTrialsFromASnapshot(t *testing.T) {
	t.Parallel()
	h := apart(t)
	saved := 0
	with := func(s *savedState) *Runner {
		r := runner(t, h)
		s.handle = h
		r.Save = func(context.Context) (Snapshot, error) { saved++; return s, nil }
		return r
	}
	refused := deletion(t)
	refused.Target.Count = 2
	shot := &savedState{}
	trials, reports, err := with(shot).RunTrials(t.Context(), refused, 3)
	if err != nil || len(reports) != 1 || !trials.Restored || shot.restored != 1 || shot.deleted != 1 {
		t.Errorf("%d reports, %v, %+v", len(reports), err, shot)
	}
	if h.Restore == nil || h.Restore(t.Context()) != nil || shot.restored != 2 {
		t.Errorf("an undo of a trial has no way back to the snapshot: %+v", shot)
	}
	shot = &savedState{failAt: 1}
	if trials, reports, err = with(shot).RunTrials(t.Context(), deletion(t), 3); err == nil || trials != nil || len(reports) > 0 || shot.deleted != 1 {
		t.Errorf("%v, %d reports, %v, %+v", trials, len(reports), err, shot)
	}
	saved = 0
	skipped, err := Open("node-power-cut")
	if err != nil {
		t.Fatal(err)
	}
	if trials, _, err = with(&savedState{}).RunTrials(t.Context(), skipped, 3); err != nil || saved != 0 || trials.Trials[0].Verdict != Skipped {
		t.Errorf("%+v, %v, %d snapshots", trials, err, saved)
	}
}

// Trials that have one target of their own have it put up once, before the
// snapshot, and removed once, whatever comes between.
func TestStage(t *testing.T) {
	t.Parallel()
	h := apart(t)
	ours := func() []string {
		t.Helper()
		all, err := h.Kube.Typed.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{LabelSelector: journal.RunLabel})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, ns := range all.Items {
			if strings.HasPrefix(ns.Name, "chaos-staged-") { // others are of tests beside this one
				names = append(names, ns.Name)
			}
		}
		return names
	}
	e := deletion(t)
	e.Name = "staged"
	for name, test := range map[string]struct {
		restores int // that are done
		trials   int
	}{"all is well": {2, 2}, "a restore fails": {2, 1}} {
		t.Run(name, func(t *testing.T) {
			shot := &savedState{handle: h}
			if test.trials < 2 {
				shot.failAt = 2
			}
			var saved []string
			r := runner(t, h)
			r.Save = func(context.Context) (Snapshot, error) { saved = ours(); return shot, nil }
			_, reports, err := r.RunTrials(t.Context(), e, 2)
			if (err == nil) != (test.trials == 2) || len(reports) != test.trials || shot.restored != test.restores || shot.deleted != 1 {
				t.Fatalf("%d reports, %v, %+v", len(reports), err, shot)
			}
			if len(saved) != 1 {
				t.Fatalf("saved with the namespaces %v", saved)
			}
			for _, p := range reports {
				if p.Verdict != Healed || p.Pods[0].Lost.Namespace != saved[0] {
					t.Errorf("not in %s, or %s: %s: %+v", saved[0], p.Verdict, p.Reason, p.Pods)
				}
			}
			if left := ours(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if open, err := Unfinished(h.Cluster); len(open) > 0 || err != nil {
				t.Errorf("open: %+v, %v", open, err)
			}
		})
	}
	r := runner(t, h)
	r.Save = func(context.Context) (Snapshot, error) { return nil, errors.New("the disk is full") }
	if _, _, err := r.RunTrials(t.Context(), e, 2); err == nil || len(ours()) > 0 {
		t.Errorf("no snapshot: %v, left %v", err, ours())
	}
}

// A trial that is killed leaves two entries: its own, with the fault, and that of
// the target, which is undone first.
func TestKilledTrialIsUndoneByTheNext(t *testing.T) {
	t.Parallel()
	h := apart(t)
	e := toZero(t)
	r := runner(t, h)
	s, err := r.setStage(t.Context(), []*Experiment{e, e})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.alone(s); err != nil {
		t.Errorf("its own target is another run: %v", err)
	}
	r.stage = s
	trial := killRunAfter(t, r.newRun(e), "Inject scale-to-zero")
	if err := s.entry.Release(); err != nil {
		t.Fatal(err)
	}
	done, err := Recover(t.Context(), h, time.Now, quiet.Start("undo"))
	if err != nil || len(done) != 2 {
		t.Errorf("undone %v, error %v", done, err)
	}
	leftNothing(t, h, trial)
	leftNothing(t, h, s.run.id)
}

// Only one target serves several experiments.
func TestOneTarget(t *testing.T) {
	a, b := deletion(t), deletion(t)
	if !oneTarget([]*Experiment{a, b, a.withSeed(3)}) {
		t.Error("the same one is several")
	}
	five := 5
	b.Target.TolerationSeconds = &five
	if oneTarget([]*Experiment{a, b}) {
		t.Error("different ones are one")
	}
	a.Target = Target{Namespace: "n", Deployment: "d", Count: 1}
	if oneTarget([]*Experiment{a}) {
		t.Error("one that was there is put up")
	}
}

// A snapshot is not taken from under a run that is at work.
func TestTrialsBesideAnotherRun(t *testing.T) {
	c := &vm.Cluster{Name: "c", Dir: t.TempDir()}
	r := &Runner{Handle: &vm.Handle{Cluster: c}}
	if err := r.alone(nil); err != nil {
		t.Error(err)
	}
	held, err := journalOf(c).Begin(journal.Entry{ID: "run-1", Experiment: "e"})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release() //nolint:errcheck // the test is over
	if err := r.alone(nil); err == nil || !strings.Contains(err.Error(), "run run-1 of e is at work") {
		t.Errorf("error %v", err)
	}
}

// The trial that differs is told, with the phase that did; noise is not.
func TestOutliers(t *testing.T) {
	sec := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	told := func(started ...float64) []Outlier {
		var reports []*Report
		for i, s := range started {
			healed := sec(1 + s)
			reports = append(reports, &Report{ID: string(rune('a' + i)), Verdict: Healed, HealedAfter: &healed, Recovered: Recovered{Pods: []timeline.Recovery{{Phases: []timeline.Phase{
				{Name: timeline.Noticed, Known: true, To: sec(1)}, {Name: timeline.Started, Known: true, From: sec(1), To: healed},
			}}}}})
		}
		return sumUp(len(started), reports).Outliers
	}
	if all := told(3, 3.2, 9, 3.1, 2.9); len(all) != 1 || all[0].Run != "c" || all[0].Trial != 3 || all[0].Phase != string(timeline.Started) || all[0].PhaseTook != sec(9) || all[0].Median != sec(4.1) {
		t.Errorf("one is slow: %+v", all)
	}
	if all := told(9, 9.1, 2, 9.2); len(all) != 1 || all[0].Run != "c" || all[0].Phase != string(timeline.Started) {
		t.Errorf("one is fast: %+v", all)
	}
	for name, values := range map[string][]float64{
		"noise": {3, 3.4, 2.8, 3.9, 3.1}, "sure but little": {3, 3, 3, 3.2}, "two": {3, 9}, "none": nil,
	} {
		if len(values) == 0 {
			if all := (&Trials{}).outliers(); all != nil {
				t.Errorf("%s: %+v", name, all)
			}
			continue
		}
		if all := told(values...); len(all) > 0 {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

// What nodes took is summed up beside what pods took, and may be what made a trial
// differ.
func TestTrialsTellOfNodes(t *testing.T) {
	sec := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	var reports []*Report
	for i, boot := range []float64{20, 21, 60, 20.5} {
		healed := sec(40 + boot)
		reports = append(reports, &Report{ID: string(rune('a' + i)), Verdict: Healed, HealedAfter: &healed, Recovered: Recovered{Nodes: []timeline.NodeRecovery{{Phases: []timeline.Phase{
			{Name: timeline.Down}, {Name: timeline.NotReady, Known: true, To: sec(40)}, {Name: timeline.Powered}, {Name: timeline.Ready, Known: true, From: sec(40), To: healed},
		}}}}})
	}
	s := sumUp(4, reports)
	if len(s.Phases) != 2 || s.Phases[0].Name != "node not ready" || s.Phases[1].Name != "node ready" || s.Phases[1].Max != sec(60) {
		t.Errorf("phases %+v", s.Phases)
	}
	if len(s.Outliers) != 1 || s.Outliers[0].Phase != "node ready" || s.Outliers[0].PhaseTook != sec(60) {
		t.Errorf("outliers %+v", s.Outliers)
	}
	var out strings.Builder
	if err := s.Draw(&out); err != nil || !strings.Contains(out.String(), "  node not ready") || !strings.Contains(out.String(), `"node ready" took 60.0 s`) {
		t.Errorf("%v\n%s", err, out.String())
	}
}
