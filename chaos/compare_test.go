package chaos

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/timeline"
	"axolotl/internal/strictyaml"
)

// healedIn are reports of runs that healed after so many seconds; 0: not.
func healedIn(experiment string, seconds ...float64) []*Report {
	var reports []*Report
	for i, s := range seconds {
		took := time.Duration(s * float64(time.Second))
		p := &Report{ID: fmt.Sprint(experiment, i), Experiment: experiment, Verdict: NotHealed, Reason: "it did not", HealWithin: 10 * time.Second}
		if took > 0 {
			p.Verdict, p.Reason, p.HealedAfter = Healed, "", &took
			p.Pods = []timeline.Recovery{{Phases: []timeline.Phase{
				{Name: timeline.Noticed, Known: true, To: time.Second}, {Name: timeline.Ready, Known: true, From: time.Second, To: took},
			}}}
		}
		reports = append(reports, p)
	}
	return reports
}

func TestCompare(t *testing.T) {
	c := compare(healedIn("a", 4, 4.2, 3.9, 4.1, 4), healedIn("b", 6, 6.3, 0, 6.1, 6.2))
	c.Cluster, c.Driver, c.Restored, c.Asked = "demo", "libvirt", true, 5
	c.A.Experiment, c.A.Title, c.B.Experiment, c.B.Title = "a", "as it is", "b", "patient"
	var out strings.Builder
	if err := c.Draw(&out); err != nil {
		t.Fatal(err)
	}
	const want = `A  5 of 5 trials of a: as it is
B  5 of 5 trials of b: patient
   by turns on cluster demo (driver libvirt), each trial from the same snapshot

               A MEDIAN   B MEDIAN   B - A             P        EFFECT   
healed after   4.00 s     6.20 s     +2.20 s (+55 %)   0.0079   1.00     differs
noticed        1.00 s     1.00 s     +0.00 s (+0 %)    1        0.50     noise
ready          3.00 s     5.15 s     +2.15 s (+72 %)   0.016    1.00     differs

B is slower, by more than noise: p = 0.0079 (Mann-Whitney U, two-sided). Of one trial of each, that of B is slower in 100 % (large effect).
run b2 of b: not-healed: it did not
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if err := c.Err(); err != nil {
		t.Errorf("what did not heal has told: %v", err)
	}
	for name, fewer := range map[string]*Comparison{
		"of b": compare(healedIn("a", 4, 5), healedIn("b", 4)), "of a": compare(healedIn("a", 4), healedIn("b", 4, 5)),
	} {
		fewer.Asked, fewer.A.Experiment, fewer.B.Experiment = 2, "a", "b"
		var early *VerdictError
		if err := fewer.Err(); !errors.As(err, &early) || early.ExitCode() != 14 || early.Reason != "ended early, after 1 of 2 trials "+name {
			t.Errorf("fewer %s: %v", name, err)
		}
	}
	for name, test := range map[string]struct {
		a, b []float64
		want string
	}{
		"faster":        {[]float64{6, 6.1, 6.2, 6.3}, []float64{4, 4.1, 4.2, 4.3}, "B is faster, by more than noise: p = 0.029"},
		"noise":         {[]float64{4, 5, 6, 4.4}, []float64{4.2, 5.1, 6.1, 4.1}, "No more than noise"},
		"all are equal": {[]float64{4, 4, 4, 4}, []float64{4, 4, 4, 4}, "with p = 1 "},
		"too few":       {[]float64{1, 1.1, 1.2}, []float64{8, 8.1, 8.2}, "nothing can be said: of 3 trials"},
		"none of one":   {[]float64{1}, nil, "nothing can be said: no trial"},
	} {
		if got := compare(healedIn("a", test.a...), healedIn("b", test.b...)).answer(); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	aborted := compare(healedIn("a", 1), []*Report{{ID: "x", Verdict: Aborted, Reason: "interrupted"}})
	var verdict *VerdictError
	if err := aborted.Err(); !errors.As(err, &verdict) || verdict.Verdict != Aborted || aborted.Times[0].B != nil {
		t.Errorf("%v, %+v", err, aborted.Times)
	}
}

// What did not heal is slower than all that did, whatever the deadlines were, and as
// slow as what else did not.
func TestNotHealedIsSlowest(t *testing.T) {
	const minute = 60.0
	for name, test := range map[string]struct {
		a, b         []float64 // seconds; 0: not healed
		aEnds, bEnds time.Duration
		effect       float64
	}{
		"later than the deadline of the last step": {[]float64{231, 232, 233, 234}, []float64{0, 0, 0, 0}, 90 * time.Second, 90 * time.Second, 1},
		"with a shorter deadline":                  {[]float64{50, 51, 52, 53}, []float64{0, 0, 0, 0}, 5 * time.Minute, 10 * time.Second, 1},
		"with a longer one":                        {[]float64{0, 0, 0, 0}, []float64{3 * minute, 3.1 * minute, 3.2 * minute, 3.3 * minute}, 10 * time.Second, 5 * time.Minute, 0},
		"nor did the other":                        {[]float64{0, 0, 0, 0}, []float64{0, 0, 0, 0}, 10 * time.Second, 5 * time.Minute, 0.5},
	} {
		a, b := healedIn("a", test.a...), healedIn("b", test.b...)
		for _, p := range a {
			p.HealWithin = test.aEnds
		}
		for _, p := range b {
			p.HealWithin = test.bEnds
		}
		got := compare(a, b).Times[0]
		if got.Name != healedAfter || *got.Effect != test.effect || got.Differs != (test.effect != 0.5) {
			t.Errorf("%s: effect %.2f, p %.2f, differs %t; want effect %.2f", name, *got.Effect, *got.P, got.Differs, test.effect)
		}
	}
}

// Both sides get the same seeds, and neither is always the first.
func TestByTurns(t *testing.T) {
	var got string
	for _, e := range byTurns(&Experiment{Name: "a"}, &Experiment{Name: "b"}, 7, 3) {
		got += fmt.Sprintf("%s%d ", e.Name, e.Seed)
	}
	if got != "a7 b7 b8 a8 a9 b9 " {
		t.Errorf("turns %s", got)
	}
}

func TestVariant(t *testing.T) {
	e, err := Open("pod-deletion")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Variant(e, "fault.with.gracePeriod=5s", "target.tolerationSeconds=0", "target.readinessSeconds=4", "target.graceSeconds=2")
	if err != nil {
		t.Fatal(err)
	}
	if f := b.Fault.(*fault.PodDeletion); *f.GracePeriod != 5*time.Second || *b.Target.TolerationSeconds != 0 || b.Name != "pod-deletion-b" || b.Probe == nil {
		t.Errorf("%+v, %+v", b, f)
	}
	objects, err := appObjects("n", "r", b.Target)
	if err != nil {
		t.Fatal(err)
	}
	pod := fmt.Sprint(objects[3].Object["spec"])
	for _, want := range []string{"tolerationSeconds:0", "node.kubernetes.io/unreachable", "terminationGracePeriodSeconds:2", "periodSeconds:4"} {
		if !strings.Contains(pod, want) {
			t.Errorf("the app's pods lack %s: %s", want, pod)
		}
	}
	var faults strictyaml.Faults
	for setting, want := range map[string]string{
		"fault.with.gracperiod=5s": `did you mean "gracePeriod"`, "healWithin=soon": "soon", "healWithin": "use PATH=VALUE", "name.x=1": "name",
		"target.graceSeconds=-1": "cannot be negative",
	} {
		_, err := Variant(e, setting)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", setting, err)
		} else if strings.Contains(setting, "gracperiod") && !errors.As(err, &faults) {
			t.Errorf("%s: %v is told without its place", setting, err)
		}
	}
}
