package chaos

import (
	"strings"
	"testing"
	"time"

	"axolotl/chaos/fault"
	"axolotl/vm"
)

// TestEveryFaultHasAnExperiment: what can be broken can be tried by one
// command.
func TestEveryFaultHasAnExperiment(t *testing.T) {
	used := map[string]bool{}
	for _, name := range CatalogNames() {
		e, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range e.faults() {
			used[f.Name()] = true
		}
	}
	for _, name := range fault.Names() {
		if !used[name] {
			t.Errorf("no experiment of the catalog has fault %s", name)
		}
	}
}

// TestShippedExperiments runs those of the catalog that a simulated node
// serves; TestFaultsOnNodes has those that take nodes.
func TestShippedExperiments(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	for _, test := range []struct {
		name    string
		verdict Verdict
		lost    int
	}{
		{"pod-eviction", Healed, 1},
		{"pod-eviction-blocked", Blocked, 1},
		{"label-torn-off", Healed, 1},
		{"scale-to-zero", Healed, 3},
		{"config-lost", Healed, 0},
		{"secret-alteration", Healed, 0},
		{"image-broken", Skipped, 0},
		{"kernel-panic", Skipped, 0},
		{"dns-outage", Skipped, 0},
		{"vm-ruined", Skipped, 0},
		{"control-plane-ruined", Skipped, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			shippedRuns(t, h, test.name, test.verdict, test.lost)
		})
	}
}

// shippedRuns runs an experiment of the catalog, without the client and with a
// short fault. lost is how many places it has in the timeline; -1: as many as
// run on its nodes.
func shippedRuns(t *testing.T, h *vm.Handle, name string, verdict Verdict, lost int) {
	t.Helper()
	e, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	e.Probe, e.Seed = nil, 1
	if e.Lasts > 0 {
		e.Lasts = time.Second
	}
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != verdict {
		t.Fatalf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	if n := len(report.Pods); n != lost && (lost >= 0 || n == 0) {
		t.Errorf("%d places were lost", n)
	}
	for _, p := range report.Pods {
		if verdict == Healed && (p.By == nil || p.By.UID == p.Lost.UID || p.Total <= 0) {
			t.Errorf("pod %s was not replaced by another: %+v", p.Lost.Name, p)
		}
	}
	if verdict == Healed && *report.HealedAfter < e.Lasts {
		t.Errorf("healed after %s, before the end of a fault of %s", *report.HealedAfter, e.Lasts)
	}
	if verdict == Blocked && !strings.Contains(report.Reason, "/pingapp") {
		t.Errorf("reason %q does not name the budget", report.Reason)
	}
	leftNothing(t, h, report.ID)
}
