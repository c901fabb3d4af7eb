package chaos

import (
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
)

// twoRuns are runs that differ in all that matters.
func twoRuns() (*Report, *Report) {
	sec := func(n int) *time.Duration { d := time.Duration(n) * time.Second; return &d }
	phase := func(name timeline.Milestone, from, to int) timeline.Phase {
		return timeline.Phase{Name: name, Known: true, From: *sec(from), To: *sec(to)}
	}
	a := &Report{
		ID: "a", Experiment: "e", Cluster: "demo", Driver: "libvirt", Seed: 1, Started: someDay, Took: 61*time.Second + 5, Verdict: Healed, HealedAfter: sec(8),
		Recovered: Recovered{Pods: []timeline.Recovery{
			{Phases: []timeline.Phase{phase(timeline.Noticed, 0, 2), phase(timeline.Ready, 2, 8)}},
			{Phases: []timeline.Phase{phase(timeline.Noticed, 0, 1), phase(timeline.Ready, 1, 3)}},
		}},
		Client: &probe.Summary{LongestGap: *sec(4)},
	}
	b := &Report{
		ID: "b", Experiment: "e", Cluster: "other", Driver: "local", Simulated: true, Seed: 2, Started: someDay, Verdict: NotHealed, Reason: "it \x1b[31m, \"so\"\ndid not",
		Recovered: Recovered{
			Pods:  []timeline.Recovery{{Phases: []timeline.Phase{phase(timeline.Noticed, 0, 3), {Name: timeline.Ready}}}},
			Nodes: []timeline.NodeRecovery{{Phases: []timeline.Phase{{Name: timeline.Down}, phase(timeline.NotReady, 0, 40), {Name: timeline.Powered}, {Name: timeline.Ready}}}},
		},
	}
	return a, b
}

func TestDiff(t *testing.T) {
	var out strings.Builder
	if err := DiffOf(twoRuns()).Draw(&out); err != nil {
		t.Fatal(err)
	}
	want := `A  run a of e on cluster demo (driver libvirt), 2026-11-24T22:20:27Z: healed
B  run b of e on cluster other (driver local), 2026-11-24T22:20:27Z: not-healed: it \x1b[31m, "so"
did not
   they are of different drivers: libvirt and local
   one of them is simulated: no container ran
   they have different seeds, so other targets may have been chosen: 1 and 2

PHASE            A         B         B - A
healed after     8.00 s    unknown   
noticed          2.00 s    3.00 s    +1.00 s (+50 %)
ready            6.00 s    unknown   
node not ready   unknown   40.0 s    
no answer for    4.00 s    unknown   
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestDiffOfAChangedExperiment(t *testing.T) {
	e, err := Open("pod-deletion")
	if err != nil {
		t.Fatal(err)
	}
	reportWith := func(seed uint64, deadline time.Duration) *Report {
		x := *e
		x.Seed, x.HealWithin = seed, deadline
		file, err := x.File()
		if err != nil {
			t.Fatal(err)
		}
		return &Report{Experiment: x.Name, File: file}
	}
	if d := DiffOf(reportWith(1, time.Minute), reportWith(2, time.Minute)); len(d.Warnings) != 0 {
		t.Errorf("the same but for the seed: %v", d.Warnings)
	}
	if d := DiffOf(reportWith(1, time.Minute), reportWith(1, time.Hour)); len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "was changed") {
		t.Errorf("another deadline: %v", d.Warnings)
	}
}

func TestWriteCSV(t *testing.T) {
	a, b := twoRuns()
	var out strings.Builder
	if err := WriteCSV(&out, []*Report{a, b}); err != nil {
		t.Fatal(err)
	}
	const want = `run,experiment,cluster,driver,simulated,started,took_s,seed,verdict,reason,healed_after_s,noticed_s,replaced_s,scheduled_s,started_s,ready_s,serving_s,node_down_s,node_not_ready_s,node_tainted_s,node_evicted_s,node_powered_s,node_ready_s,no_answer_for_s
a,e,demo,libvirt,false,2026-11-24T22:20:27Z,61.000000005,1,healed,,8,2,,,,6,,,,,,,,4
b,e,other,local,true,2026-11-24T22:20:27Z,0,2,not-healed,"it \x1b[31m, ""so""
did not",,3,,,,,,,40,,,,,
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	for _, p := range []*Report{a, b} {
		for _, phase := range p.Times() {
			if !slices.Contains(TimeNames(), phase.Name) {
				t.Errorf("%q has no column", phase.Name)
			}
		}
	}
}
