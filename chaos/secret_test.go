package chaos

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/history"
	"axolotl/chaos/journal"
)

// What a Secret holds stands in the journal while it must be restored, and in
// nothing that is kept, printed, or passed on: report, plan, history, and the journal
// afterwards.
func TestNothingTellsASecret(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	const password = "not a real one" // app.yaml
	secret := func(t *testing.T, what, text string) {
		t.Helper()
		for _, form := range []string{password, base64.StdEncoding.EncodeToString([]byte(password))} {
			if strings.Contains(text, form) {
				t.Errorf("%s tells it:\n%s", what, text)
			}
		}
	}
	const both = `
name: secrets
title: two faults of a Secret
target: {app: pingapp, replicas: 2}
steps:
  - fault: {name: secret-deletion}
    lasts: 1s
  - fault: {name: secret-alteration}
    lasts: 1s
guards: {maxShare: 100}
`
	for _, name := range []string{"secret-deletion", "secret-alteration", "both"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := parsed(t, both)
			if name != "both" {
				e.Fault, e.Lasts, e.Steps = e.Steps[0].Fault, time.Second, nil
				if name == "secret-alteration" {
					e.Fault = parsed(t, both).Steps[1].Fault
				}
			}
			var kept keeping
			x := runner(t, h)
			x.History = &kept
			report := x.Run(t.Context(), e)
			if report.Verdict != Healed {
				t.Fatalf("verdict %s (%s)", report.Verdict, report.Reason)
			}
			text, err := json.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			secret(t, "the report", string(text))
			secret(t, "the history", kept.text)
			entries, err := journalOf(h.Cluster).All()
			if err != nil {
				t.Fatal(err)
			}
			entries = slices.DeleteFunc(entries, func(e journal.Entry) bool { return !strings.HasPrefix(e.ID, report.ID) })
			if text, err = json.Marshal(entries); err != nil || len(entries) == 0 {
				t.Fatalf("%d entries, %v", len(entries), err)
			}
			secret(t, "the journal", string(text))
			if !strings.Contains(kept.text, "Secret") {
				t.Errorf("the history does not name the target:\n%s", kept.text)
			}
		})
	}
}

// keeping is a history that keeps all that it is told.
type keeping struct{ text string }

func (k *keeping) BeginRun(ctx context.Context, r history.Run) error { return k.EndRun(ctx, r, nil) }

func (k *keeping) EndRun(_ context.Context, r history.Run, raw []byte) error {
	k.text += string(r.Report) + string(raw)
	return nil
}
