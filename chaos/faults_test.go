package chaos

import (
	"strings"
	"testing"
	"time"

	"axolotl/chaos/fault"
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
		used[e.Fault.Name()] = true
	}
	for _, name := range fault.Names() {
		if !used[name] {
			t.Errorf("no experiment of the catalog has fault %s", name)
		}
	}
}

// TestShippedExperiments runs those of the catalog that a simulated node
// serves, without the client and with a short fault.
func TestShippedExperiments(t *testing.T) {
	h := cluster(t)
	for _, test := range []struct {
		name    string
		verdict Verdict
		lost    int // places in the timeline; -1: as many as run there
	}{
		{"pod-eviction", Healed, 1},
		{"pod-eviction-blocked", Blocked, 1},
		{"label-torn-off", Healed, 1},
		{"scale-to-zero", Healed, 3},
		{"configmap-deletion", Healed, 0},
		{"secret-alteration", Healed, 0},
		{"node-drain", Healed, -1},
		{"node-taint", Healed, -1},
		{"image-broken", Skipped, 0},
		{"kernel-panic", Skipped, 0},
		{"node-pause", Skipped, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := Open(test.name)
			if err != nil {
				t.Fatal(err)
			}
			e.Probe, e.Seed = nil, 1
			if e.Lasts > 0 {
				e.Lasts = time.Second
			}
			report := runner(t, h).Run(t.Context(), e)
			if report.Verdict != test.verdict {
				t.Fatalf("verdict %s (%s)", report.Verdict, report.Reason)
			}
			if n := len(report.Pods); n != test.lost && (test.lost >= 0 || n == 0) {
				t.Errorf("%d places were lost", n)
			}
			for _, p := range report.Pods {
				if test.verdict == Healed && (p.By == nil || p.By.UID == p.Lost.UID || p.Total <= 0) {
					t.Errorf("pod %s was not replaced by another: %+v", p.Lost.Name, p)
				}
			}
			if test.verdict == Blocked && !strings.Contains(report.Reason, "/pingapp") {
				t.Errorf("reason %q does not name the budget", report.Reason)
			}
			leftNothing(t, h, report.ID)
		})
	}
}
