package chaos

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// Several run one after another: one that this cluster cannot give is skipped,
// and one that is meant to be blocked has ended as it should.
func TestRunAll(t *testing.T) {
	t.Parallel()
	h := apart(t)
	open := func(name string) *Experiment {
		t.Helper()
		e, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		e.Probe = nil
		return e
	}
	blocked, panics := open("pod-eviction-blocked"), open("kernel-panic")
	runs := runner(t, h).RunAll(t.Context(), []*Experiment{blocked, panics})
	if err := runs.Err(); err != nil || len(runs.Runs) != 2 {
		t.Errorf("%d runs, %v", len(runs.Runs), err)
	}
	if p := runs.Runs[0]; p.Verdict != Blocked || p.ExitCode != 0 {
		t.Errorf("verdict %s, exit code %d (%s)", p.Verdict, p.ExitCode, p.Reason)
	}
	again, err := runs.Runs[0].Recipe()
	if err != nil || again.Expect != Blocked {
		t.Errorf("its file expects %q (%v)", again.Expect, err)
	}

	ended, end := context.WithCancel(t.Context())
	end()
	if runs := runner(t, h).RunAll(ended, []*Experiment{panics, panics}); len(runs.Runs) != 1 || runs.Err() == nil {
		t.Errorf("%d runs after the interrupt, %v", len(runs.Runs), runs.Err())
	}
}

// When the cluster is taken down no other experiment begins.
func TestRunAllOfAClusterThatGoes(t *testing.T) {
	t.Parallel()
	h := apart(t)
	panics, err := Open("kernel-panic")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(h.Cluster.Dir); err != nil {
		t.Fatal(err)
	}
	if runs := runner(t, h).RunAll(t.Context(), []*Experiment{panics, panics}); len(runs.Runs) != 1 || runs.Err() == nil {
		t.Errorf("%d runs in a cluster that is gone, %v", len(runs.Runs), runs.Err())
	}
}

// TestRunsErr: which runs count, which exit code they give, and what is said.
func TestRunsErr(t *testing.T) {
	seconds := 8 * time.Second
	ended := func(name string, v, expected Verdict) *Report {
		p := &Report{Experiment: name, Verdict: v, Expected: expected, Reason: "because of " + name}
		if v == Healed {
			p.HealedAfter, p.Reason = &seconds, ""
		}
		p.weigh()
		return p
	}
	well, skipped := ended("well", Healed, ""), ended("none", Skipped, "")
	blocked, open := ended("blocked", Blocked, Blocked), ended("open", Healed, Blocked)
	late, stuck := ended("late", HealedLate, ""), ended("stuck", UndoFailed, "")
	for name, test := range map[string]struct {
		runs []*Report
		code int
		says string
	}{
		"all well":                {[]*Report{well, skipped, blocked}, 0, ""},
		"nothing run":             {[]*Report{skipped, skipped}, 3, "nothing was run"},
		"one late":                {[]*Report{well, late}, 10, "1 of 2 experiments did not end as they should: late (healed-late)"},
		"well, and should not":    {[]*Report{well, open}, 1, "open (healed)"},
		"an undo failed":          {[]*Report{late, stuck}, 15, "late (healed-late), stuck (undo-failed)"},
		"interrupted between two": {[]*Report{well, nil}, 14, "ended early, after 1 of 2 experiments"},
	} {
		runs := &Runs{Asked: len(test.runs), Runs: slices.DeleteFunc(test.runs, func(p *Report) bool { return p == nil })}
		err := runs.Err()
		if test.code == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var verdict *VerdictError
		if !errors.As(err, &verdict) || verdict.ExitCode() != test.code || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v; want exit code %d and %q", name, err, test.code, test.says)
		}
	}
	if !strings.Contains(open.Reason, "expects blocked") {
		t.Errorf("reason %q does not tell what was expected", open.Reason)
	}

	var drawn strings.Builder
	if err := (&Runs{Asked: 3, Runs: []*Report{well, open, late}}).Draw(&drawn); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"well         healed        8.00 s", "open: healed: the experiment expects blocked", "late: healed-late: because of late"} {
		if !strings.Contains(drawn.String(), want) {
			t.Errorf("no %q in\n%s", want, &drawn)
		}
	}
}
