package chaos

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/timeline"
	"axolotl/vm"
)

func TestLatestOf(t *testing.T) {
	for name, test := range map[string]struct{ recovered, suffered, lasted, held, want time.Duration }{
		"a pod came back":                             {recovered: 8, held: 9, want: 8},
		"its client suffered longer":                  {recovered: 8, suffered: 10, held: 11, want: 10},
		"only its client suffered":                    {suffered: 10, held: 11, want: 10},
		"nothing tells of anything":                   {held: 11, want: 11},
		"a stray request failed while a fault lasted": {suffered: 2, lasted: 20, held: 21, want: 21},
		"nothing did while a fault lasted":            {lasted: 20, held: 21, want: 21},
		"all came back before the end of the fault":   {recovered: 8, suffered: 9, lasted: 20, held: 21, want: 20},
		"and after it":                                {recovered: 30, suffered: 31, lasted: 20, held: 33, want: 31},
	} {
		if got := latestOf(test.recovered, test.suffered, test.lasted, test.held); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// A machine that did not come back is quoted, and no other.
func TestLastWords(t *testing.T) {
	t.Parallel()
	c := &vm.Cluster{Name: "c", Dir: t.TempDir(), Machines: []vm.Machine{{Name: "n1"}, {Name: "n2"}}}
	for _, name := range []string{"n1", "n2"} {
		if err := os.MkdirAll(c.Path("machines", name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Path("machines", name, "console.log"), []byte("panic of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := &run{home: c, log: timeline.NewLog(time.Now), fault: timeline.Fault{Nodes: []timeline.Node{{Name: "n2", UID: "2"}, {Name: "not ours", UID: "3"}}}}
	if words := r.lastWords(); words != "" {
		t.Errorf("while the fault lasts: %q", words)
	}
	r.over = true
	if words, want := r.lastWords(), `; the console of n2 ends with "panic of n2"`; words != want {
		t.Errorf("%q, want %q", words, want)
	}
}

// sticky cannot be ended at once.
type sticky struct {
	*fault.ConfigDeletion
	tries atomic.Int32
}

func (f *sticky) Undo(ctx context.Context, h *vm.Handle, objects []fault.Object) error {
	if f.tries.Add(1) < 3 {
		return errors.New("the agent does not answer")
	}
	return f.ConfigDeletion.Undo(ctx, h, objects)
}

// A fault that has lasted long enough is ended though what is under it does not
// answer at first; one that cannot be by the end of the run ends it.
func TestTheEndOfAFaultIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	lost, err := Open("config-lost")
	if err != nil {
		t.Fatal(err)
	}
	f := &sticky{ConfigDeletion: lost.Fault.(*fault.ConfigDeletion)}
	lost.Fault, lost.Lasts, lost.Probe = f, time.Second, nil
	report := runner(t, h).Run(t.Context(), lost)
	if report.Verdict != Healed || f.tries.Load() != 3 || *report.HealedAfter < lost.Lasts {
		t.Errorf("verdict %s (%s), %d tries", report.Verdict, report.Reason, f.tries.Load())
	}

	f.tries.Store(-1000)
	lost.HealWithin = 1500 * time.Millisecond
	report = runner(t, h).Run(t.Context(), lost)
	if report.Verdict != NotHealed || report.ExitCode != 11 || !strings.Contains(report.Reason, "end the fault after 1s") || !strings.Contains(report.Reason, "the agent does not answer") {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	leftNothing(t, h, report.ID)
}

// What the undo failed by stands once in the report.
func TestUndoErrorIsToldOnce(t *testing.T) {
	c := &vm.Cluster{Name: "c", Dir: t.TempDir()}
	x := &run{experiment: &Experiment{}, handle: &vm.Handle{Cluster: c}, home: c, journal: journalOf(c), id: "r", now: time.Now, undoErr: errors.New("it clings")}
	if err := x.beginJournal(); err != nil {
		t.Fatal(err)
	}
	x.finish(t.Context(), nil)
	var p Report
	p.judge(errNotHealed, nil, x.undoErr)
	if p.Verdict != UndoFailed || strings.Count(p.UndoError, "it clings") != 1 {
		t.Errorf("%s: %q", p.Verdict, p.UndoError)
	}
}
