package chaos

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
	"axolotl/internal/term"
	"axolotl/vm"
)

// brittle panics when it is ended in the middle of a run.
type brittle struct{ *fault.ConfigDeletion }

func (*brittle) Undo(context.Context, *vm.Handle, []fault.Object) error { panic("a slip of ours") }

// A panic beside the run, while a part of it is watched, ends the run and not the
// process: what was done is undone.
func TestPanicWhileACombinedRunIsWatched(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	e := parsed(t, combined)
	e.Steps = e.Steps[1:2]
	first := &e.Steps[0].Parallel[0]
	first.Fault, first.Lasts = &brittle{first.Fault.(*fault.ConfigDeletion)}, 500*time.Millisecond
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Aborted || !strings.Contains(report.Reason, "panic, which is a bug: a slip of ours") || !strings.Contains(report.Reason, "panic_test.go") {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	if len(report.Steps) != 2 || report.Steps[0].Verdict != Aborted || report.Undo == "" {
		t.Errorf("steps %+v, undo %q", report.Steps, report.Undo)
	}
	leftNothing(t, h, report.ID)
}

// A client that has ended by a bug sees nothing any more, so no figure of it would
// be true: the run ends too.
func TestBlindRunsEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	asked := make(chan struct{}, 100)
	c := &client{Probe: probe.Start(t.Context(), probe.Settings{URL: server.URL, Interval: 10 * time.Second, Answered: func(string) {
		defer close(asked)
		panic("a slip of ours")
	}})}
	<-asked
	c.Stop() // when it has ended, the error is there
	r := &run{
		client: c, progress: quiet, log: timeline.NewLog(time.Now), now: time.Now, struck: time.Now(),
		experiment: &Experiment{Fault: &fault.NodeCordon{}, HealWithin: time.Minute},
	}
	err := r.perform(t.Context(), []step{{"more", func(context.Context, *term.Step) error { return nil }}})
	if err == nil || !strings.Contains(err.Error(), "a slip of ours") {
		t.Errorf("the next step: %v", err)
	}
	err = r.watch(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "a slip of ours") {
		t.Errorf("while it watches: %v", err)
	}
}
