package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
	"axolotl/vm"
)

// TestFileSaysAll: what a report keeps is the experiment that was run.
func TestFileSaysAll(t *testing.T) {
	const checked = `
name: shop
title: "t: #1"
target: {namespace: shop, selector: {app: web}, percent: 30}
steadyState:
  - {name: all replicas, kind: Deployment, object: web, cel: 'object.status.readyReplicas == 3 && "a: b" != ""'}
fault: {name: pod-eviction, with: {gracePeriod: 5s, force: true, within: 3s}}
seed: 7
`
	const nothing = `
name: nothing
title: settings that are nothing, and whose defaults are not
target: {app: pingapp}
steps:
  - fault: {name: disk-throttled, with: {iops: 0}}
  - fault: {name: disk-throttled, with: {bytesPerSecond: 0}}
  - fault: {name: secret-alteration, with: {value: ""}}
  - fault: {name: node-power-cut}
`
	texts := map[string]string{"shop": checked, "nothing": nothing}
	for _, name := range CatalogNames() {
		e, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if texts[name], err = e.File(); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range texts {
		first, err := Parse(name, []byte(text))
		if err != nil {
			t.Errorf("%v\n%s", err, text)
			continue
		}
		again, err := first.File()
		if err != nil {
			t.Fatal(err)
		}
		second, err := Parse(name, []byte(again))
		if err != nil {
			t.Errorf("%v\n%s", err, again)
			continue
		}
		third, _ := second.File()
		if a, b := specsOf(t, first), specsOf(t, second); third != again || a != b || first.Lasts != second.Lasts || len(first.SteadyState) != len(second.SteadyState) {
			t.Errorf("%s is not what it was:\n%s\n%s", name, again, third)
		}
	}
}

// specsOf are the faults of an experiment with their settings.
func specsOf(t *testing.T, e *Experiment) string {
	t.Helper()
	var text strings.Builder
	for _, f := range e.faults() {
		spec, err := fault.SpecOf(f)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(spec.Name + string(spec.With))
	}
	return text.String()
}

func TestReplayIsTheSameExperiment(t *testing.T) {
	e, err := Open("clock-jump")
	if err != nil {
		t.Fatal(err)
	}
	e.Fault, err = fault.Spec{Name: "clock-jump", With: []byte(`{"byNs":7000000000,"backward":true}`)}.Fault()
	if err != nil {
		t.Fatal(err)
	}
	e.Probe, e.Lasts, e.Seed = nil, 3*time.Second, 11
	file, err := e.File()
	if err != nil {
		t.Fatal(err)
	}
	again, err := (&Report{ID: "r", File: file}).Recipe()
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	want, _ := fault.SpecOf(e.Fault)
	got, _ := fault.SpecOf(again.Fault)
	if string(got.With) != string(want.With) || again.Probe != nil || again.Lasts != e.Lasts || again.Seed != 11 {
		t.Errorf("%s is not what was run: %+v, %s", file, again, got.With)
	}
	if _, err := (&Report{ID: "old"}).Recipe(); err == nil {
		t.Error("a report without the experiment is replayed")
	}
}

// TestNewFileLints: what "chaos new" writes is taken as it is, and with the settings
// that it lists, which change nothing.
func TestNewFileLints(t *testing.T) {
	told := strings.NewReplacer("  # with:", "  with:", "  #   ", "    ")
	for _, name := range fault.Names() {
		text, err := NewFile("mine", name)
		if err != nil {
			t.Fatal(err)
		}
		specs := map[string]bool{}
		for _, text := range []string{text, told.Replace(text)} {
			e, err := Parse("mine.yaml", []byte(text))
			if err != nil || e.Fault.Name() != name {
				t.Errorf("%v\n%s", err, text)
				continue
			}
			specs[specsOf(t, e)] = true
		}
		if len(specs) != 1 {
			t.Errorf("the settings are others than those that hold without them: %v", specs)
		}
	}
	if text, err := NewFile("mine", "clock-jump"); err != nil || !strings.Contains(text, "\n  # with:\n  #   by: 5m0s        # how far the clock is put, 5 s or more\n  #   backward: false # back, not forward\n") {
		t.Errorf("%s, %v", text, err)
	}
	for _, bad := range []string{"", "Mine", "a b", "-a", "../x", strings.Repeat("a", 41)} {
		if _, err := NewFile(bad, "pod-deletion"); err == nil {
			t.Errorf("%q is taken as a name", bad)
		}
	}
}

// holdEnv makes this test binary a process that holds a journal entry until it
// is interrupted, in the directory that it names.
const holdEnv = "AXOLOTL_TEST_HOLD_JOURNAL"

func TestHoldJournal(t *testing.T) {
	dir := os.Getenv(holdEnv)
	if dir == "" {
		t.Skip("is run by TestAbort")
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	held, err := journal.At(dir).Begin(journal.Entry{ID: "run-1", Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-interrupted:
	case <-time.After(time.Minute):
		t.Fatal("nobody interrupted")
	}
	if err := held.Close("undone", nil, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// TestAbort interrupts a real process, and only the one that holds the run.
func TestAbort(t *testing.T) {
	c := &vm.Cluster{Name: "c", Dir: t.TempDir()}
	if ended, err := Abort(t.Context(), c, "", quiet.Start("abort")); err != nil || len(ended) != 0 {
		t.Errorf("with no run at all: %v, %v", ended, err)
	}
	process := exec.Command(os.Args[0], "-test.run=^TestHoldJournal$", "-test.short")
	process.Env = append(os.Environ(), holdEnv+"="+c.Path("journal"))
	process.Stdout, process.Stderr = t.Output(), t.Output()
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- process.Wait() }()
	for live := 0; live == 0; {
		all, err := journalOf(c).Live()
		if err != nil {
			t.Fatal(err)
		}
		if live = len(all); live == 0 {
			select {
			case err := <-exited:
				t.Fatalf("it has ended: %v", err)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	if _, err := Abort(t.Context(), c, "run-2", quiet.Start("abort")); err == nil {
		t.Error("a run that is not there is aborted")
	}
	ended, err := Abort(t.Context(), c, "run-1", quiet.Start("abort"))
	if err != nil || len(ended) != 1 || ended[0].ID != "run-1" {
		t.Errorf("aborted %v, error %v", ended, err)
	}
	if err := <-exited; err != nil {
		t.Errorf("the run did not end by itself: %v", err)
	}
	if all, err := journalOf(c).All(); err != nil || all[0].State != journal.Undone {
		t.Errorf("entry %+v, error %v", all, err)
	}
}

func TestSumUp(t *testing.T) {
	sec := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	var reports []*Report
	for i, healed := range []float64{4, 1, 9, 2, 3} {
		p := &Report{ID: string(rune('a' + i)), Verdict: Healed, Experiment: "e"}
		h := sec(healed)
		p.HealedAfter = &h
		p.Pods = []timeline.Recovery{
			{Phases: []timeline.Phase{{Name: timeline.Noticed, Known: true, To: sec(0.5)}, {Name: timeline.Replaced}}},
			{Phases: []timeline.Phase{{Name: timeline.Noticed, Known: true, From: sec(0), To: sec(healed / 2)}}},
		}
		reports = append(reports, p)
	}
	reports = append(reports, &Report{ID: "f", Verdict: NotHealed, Reason: "x", Experiment: "e"})
	s := sumUp(6, reports)
	if h := s.HealedAfter; h.Min != sec(1) || h.Median != sec(3) || h.P95 != sec(9) || h.Max != sec(9) || len(h.Values) != 5 || h.Values[0] != sec(4) {
		t.Errorf("healed after %+v", h)
	}
	if len(s.Phases) != 1 || s.Phases[0].Median != sec(1.5) || s.Phases[0].Min != sec(0.5) || s.Outage != nil {
		t.Errorf("phases %+v", s.Phases)
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "trial 6 of 6 (run f): x") {
		t.Errorf("error %v", err)
	}
	// All that were run have healed, and somebody has ended the rest.
	var early *VerdictError
	if err := sumUp(6, reports[:2]).Err(); !errors.As(err, &early) || early.ExitCode() != 14 || early.Reason != "ended early, after 2 of 6 trials" {
		t.Errorf("2 of 6: %v", err)
	}
	if err := sumUp(2, reports[:2]).Err(); err != nil {
		t.Errorf("2 of 2: %v", err)
	}
	var out bytes.Buffer
	if err := s.Draw(&out); err != nil || !strings.Contains(out.String(), "4.00 1.00 9.00 2.00 3.00") || !strings.Contains(out.String(), "not-healed") {
		t.Errorf("%s, %v", out.String(), err)
	}
}

// TestTrials runs an experiment twice on a real API server.
func TestTrials(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	trials, reports, err := runner(t, h).RunTrials(t.Context(), deletion(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := trials.Err(); err != nil || len(reports) != 2 || trials.Trials[1].Seed != trials.Trials[0].Seed+1 {
		t.Fatalf("%+v, %v", trials, err)
	}
	if s := trials.HealedAfter; len(s.Values) != 2 || s.Values[0] != *reports[0].HealedAfter || s.Max < s.Min || s.Min <= 0 {
		t.Errorf("%+v", s)
	}
	e := deletion(t)
	e.Target.Count = 2
	if trials, _, _ = runner(t, h).RunTrials(t.Context(), e, 3); len(trials.Trials) != 1 || trials.Trials[0].Verdict != Refused {
		t.Errorf("what is refused is tried again: %+v", trials.Trials)
	}
	e.Expect = Refused
	if trials, _, _ = runner(t, h).RunTrials(t.Context(), e, 2); len(trials.Trials) != 2 || trials.Err() != nil {
		t.Errorf("what is to be refused: %+v, %v", trials.Trials, trials.Err())
	}
}

// TestHTML: one page that fetches nothing, in which text of the cluster is
// text.
func TestHTML(t *testing.T) {
	const evil = "</title><script>alert(1)</script>\x1b[31m\" onload=\"x"
	healed := 8 * time.Second
	p := &Report{
		ID: "run", Experiment: evil, Cluster: "demo", Driver: "libvirt", Verdict: Healed, HealedAfter: &healed, HealWithin: time.Minute,
		Reason: evil, Proof: evil, Undo: evil, UndoError: evil, Simulated: true,
		Plan: &Plan{Steps: []string{evil}, Targets: []fault.Target{{Kind: "Pod", Name: evil}}},
		Recovered: Recovered{Pods: []timeline.Recovery{{
			Lost: timeline.Pod{Name: evil}, By: &timeline.Pod{Name: evil},
			Phases: []timeline.Phase{
				{Name: timeline.Noticed, Known: true, To: 2 * time.Second}, {Name: timeline.Replaced},
				{Name: timeline.Ready, Known: true, From: 2 * time.Second, To: 8 * time.Second, Includes: []timeline.Milestone{timeline.Replaced}},
			},
			Total: healed,
		}}},
		Client:  &probe.Summary{URL: evil, Sent: 4, Failed: 1, Failures: map[string]int{evil: 1}},
		Outages: []Span{{time.Second, 3 * time.Second}},
		Notes:   []Note{{At: time.Second, Note: timeline.Note{Object: evil, Reason: evil, Message: evil}}},
	}
	var out bytes.Buffer
	if err := p.WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, bad := range []string{"<script", "\x1b", `" onload="x`, "http://www", "https://", "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, want := range []string{
		`<rect class="phase" x="0.0" y="0" width="250.0"`, `<rect class="phase" x="250.0" y="26" width="750.0"`,
		`<rect class="failed" x="125.0" y="0" width="250.0"`, "&lt;script&gt;alert(1)", "unknown: replaced", "Simulated",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if path := os.Getenv("AXOLOTL_TEST_HTML"); path != "" { // to look at
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// Pods of an app that is put up anew have other names each time: a replay strikes on the
// node that the run has struck on.
func TestReplayStrikesWhereTheRunDid(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			e := deletion(t)
			e.Seed, e.Target.Replicas, e.Guards.MaxShare = seed+1, 2, 100
			first := runner(t, h).Run(t.Context(), e)
			again, err := first.Recipe()
			if err != nil {
				t.Fatal(err)
			}
			second := runner(t, h).Run(t.Context(), again)
			if len(first.Pods) != 1 || len(second.Pods) != 1 || first.Pods[0].Lost.Node != second.Pods[0].Lost.Node {
				t.Errorf("struck %+v and %+v", first.Pods, second.Pods)
			}
		})
	}
}

func TestPodsByPlace(t *testing.T) {
	var pods []corev1.Pod
	for _, p := range []string{"a w2", "b w1", "c w2", "d w1", "e w2"} { // by name
		name, node, _ := strings.Cut(p, " ")
		pods = append(pods, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}, Spec: corev1.PodSpec{NodeName: node}})
	}
	var names string
	for _, p := range byPlace(pods) {
		names += p.Name
	}
	if names != "badce" {
		t.Errorf("in the order %q", names)
	}
	e := &Experiment{Fault: &fault.PodDeletion{}, Target: Target{App: AppPingapp}}
	own, err := (&scene{pods: pods}).candidates(t.Context(), nil, e)
	if err != nil || own[0].Name != "b" {
		t.Errorf("of its own: %v, %v", own, err)
	}
	e.Target = Target{Namespace: "shop"}
	if all, err := (&scene{pods: pods}).candidates(t.Context(), nil, e); err != nil || all[0].Name != "a" {
		t.Errorf("that were there: %v, %v", all, err)
	}
}
