package chaos

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"axolotl/chaos/journal"
	"axolotl/internal/check"
	"axolotl/internal/term"
	"axolotl/vm"
)

// A run is told to end by a file and not by a signal, which its process, a daemon
// perhaps, would take for its own end: this one would not survive it. Those that
// would come after it are not begun.
func TestAbortARunOfThisProcess(t *testing.T) {
	t.Parallel()
	h := apart(t)
	ended := make(chan *Runs, 1)
	go func() { ended <- runner(t, h).RunAll(t.Context(), []*Experiment{toZero(t), toZero(t)}) }()
	injected := func() string {
		live, err := journalOf(h.Cluster).Live()
		if err != nil {
			t.Error(err)
		}
		for _, l := range live {
			if l.Fault != nil {
				return l.ID
			}
		}
		return ""
	}
	var id string
	for id == "" {
		select {
		case all := <-ended:
			t.Fatalf("they have ended: %+v", all.Runs[0])
		case <-time.After(10 * time.Millisecond):
		}
		id = injected()
	}
	done, err := Abort(t.Context(), h.Cluster, id, quiet.Start("abort"))
	if err != nil || len(done) != 1 || done[0].ID != id {
		t.Errorf("aborted %v, %v", done, err)
	}
	all := <-ended
	report := all.Runs[0]
	if len(all.Runs) != 1 || report.Verdict != Aborted || !strings.Contains(report.Reason, "by 'axolotl chaos abort'") || report.ExitCode != 14 || report.Undo == "" {
		t.Errorf("%d runs, verdict %s (%s), undo %q", len(all.Runs), report.Verdict, report.Reason, report.Undo)
	}
	leftNothing(t, h, id)
	left, err := os.ReadDir(h.Cluster.Path("journal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if strings.HasSuffix(f.Name(), ".abort") {
			t.Errorf("%s is left", f.Name())
		}
	}
}

// A run is seen while it waits for the steady state of what was there before, and is
// told to end then: it injects nothing afterwards.
func TestAbortBeforeTheFault(t *testing.T) {
	t.Parallel()
	h := apart(t)
	standing(t, h, "waited-for", 2, nil)
	e := parsed(t, `
name: waits
title: what it waits for does not come
target: {namespace: waited-for, deployment: pingapp}
steadyState:
  - {name: never, kind: Deployment, object: pingapp, cel: object.spec.replicas == 3}
fault: {name: pod-deletion}
`)
	var aborted sync.WaitGroup
	said := &whenSaid{word: "Start the client's probe"} // what comes next is the wait
	said.do = sync.OnceFunc(func() {
		open, err := Unfinished(h.Cluster)
		if err != nil || len(open) != 1 {
			t.Errorf("unfinished: %+v, %v", open, err)
		}
		if (&Runner{Handle: h}).alone(nil) == nil {
			t.Error("trials would restore the cluster under it")
		}
		aborted.Go(func() {
			if done, err := Abort(t.Context(), h.Cluster, "", quiet.Start("abort")); err != nil || len(done) != 1 {
				t.Errorf("aborted %v, %v", done, err)
			}
		})
	})
	report := (&Runner{Handle: h, Progress: term.NewProgress(said, false)}).Run(t.Context(), e)
	aborted.Wait()
	if report.Verdict != Aborted || report.Proof != "" {
		t.Errorf("verdict %s (%s), proof %q", report.Verdict, report.Reason, report.Proof)
	}
	leftNothing(t, h, report.ID)
}

// whenSaid does something when a line that has a word in it is written.
type whenSaid struct {
	word string
	do   func()
}

func (w *whenSaid) Write(line []byte) (int, error) {
	if strings.Contains(string(line), w.word) {
		w.do()
	}
	return len(line), nil
}

// A run that is told to end when it has healed, and is being undone, is what it is;
// none comes after it, and the whole has not ended as it should.
func TestAbortDuringTheUndo(t *testing.T) {
	t.Parallel()
	e := deletion(t)
	for name, runs := range map[string]func(*Runner) (did int, err error){
		"experiments": func(r *Runner) (int, error) {
			all := r.RunAll(t.Context(), []*Experiment{e, e, e})
			return len(all.Runs), all.Err()
		},
		"trials": func(r *Runner) (int, error) {
			trials, _, err := r.RunTrials(t.Context(), e, 3)
			if err != nil {
				t.Error(err)
			}
			return len(trials.Trials), trials.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := apart(t)
			said := &whenSaid{word: "Check the steady state again"}
			said.do = func() { // the undo is done, the target stands
				live, err := journalOf(h.Cluster).Live()
				if err != nil || len(live) != 1 {
					t.Errorf("at work: %+v, %v", live, err)
				}
				for _, l := range live {
					if err := journalOf(h.Cluster).Tell(l.Run); err != nil {
						t.Error(err)
					}
				}
			}
			did, err := runs(&Runner{Handle: h, Progress: term.NewProgress(said, false)})
			var verdict *VerdictError
			if did != 1 || !errors.As(err, &verdict) || verdict.ExitCode() != 14 {
				t.Errorf("%d of 3 ran, %v", did, err)
			}
		})
	}
}

// Who aborts a run that ends at that very moment is told that nobody heard, of all
// entries that it has.
func TestAbortThatNobodyHears(t *testing.T) {
	t.Parallel()
	c := &vm.Cluster{Name: "c", Dir: t.TempDir()}
	entries := journalOf(c)
	var held []*journal.Held
	for i, id := range []string{"r", "r-1"} {
		h, err := entries.Begin(journal.Entry{ID: id, Run: "r", Created: time.Unix(int64(i), 0)})
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, h)
	}
	go func() {
		told := check.Func("it is told", func(context.Context) error {
			if !entries.Told("r") {
				return errors.New("not yet")
			}
			return nil
		})
		if err := check.Wait(t.Context(), told, time.Millisecond, nil); err != nil {
			t.Error(err)
		}
		for _, h := range held { // without a look at what it was told
			if err := h.Release(); err != nil {
				t.Error(err)
			}
		}
	}()
	ended, err := Abort(t.Context(), c, "", quiet.Start("abort"))
	if len(ended) != 0 || err == nil || strings.Count(err.Error(), "before it heard") != 2 || entries.Told("r") {
		t.Errorf("ended %v, %v", ended, err)
	}
}

// The parts of a combined run have entries of their own, and end with the whole.
func TestPartsAreToldByTheWhole(t *testing.T) {
	whole := &run{journal: journal.At(t.TempDir() + "/journal"), id: "r", experiment: &Experiment{}, home: &vm.Cluster{}}
	p := &run{journal: whole.journal, id: "r-1", experiment: &Experiment{}, home: whole.home, whole: whole}
	for _, r := range []*run{whole, p} {
		if err := r.beginJournal(); err != nil {
			t.Fatal(err)
		}
		if r.entry.Run != "r" {
			t.Errorf("%s is ended by telling %q", r.id, r.entry.Run)
		}
	}
}
