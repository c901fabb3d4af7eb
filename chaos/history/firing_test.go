package history

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

var t0 = time.Date(2026, 3, 29, 0, 30, 0, 1, time.UTC) // the day on which Europe's clocks jump

// open opens a history in a directory of the test's own.
func open(t *testing.T) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "state", FileName))
}

func openAt(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestFirings(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	if all, err := db.Firings(ctx, FiringQuery{}); err != nil || all == nil || len(all) != 0 {
		t.Errorf("of a new history: %v, %v", all, err)
	}
	if last, err := db.LastDue(ctx, "weekly"); err != nil || !last.IsZero() {
		t.Errorf("last due of a new history: %v, %v", last, err)
	}
	want := Firing{
		Schedule: "weekly", Cluster: "demo", Experiment: "pod-deletion", Due: t0, Started: t0.Add(time.Second),
	}
	id, err := db.BeginFiring(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	missed := Firing{Schedule: "weekly", Due: t0.Add(time.Hour), Outcome: FiringMissed, Reason: "asleep"}
	byHand := Firing{Schedule: "weekly", Due: t0.Add(2 * time.Hour), Outcome: FiringSkipped, Manual: true}
	other := Firing{Schedule: "daily", Due: t0, Outcome: FiringSkipped, Reason: "quiet"}
	for _, f := range []Firing{missed, byHand, other} {
		if err := db.RecordFiring(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.EndFiring(ctx, id, FiringRan, "", "run-1", "healed", t0.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	want.ID, want.Outcome, want.Run, want.Verdict, want.Ended = id, FiringRan, "run-1", "healed", t0.Add(time.Minute)

	all, err := db.Firings(ctx, FiringQuery{Schedule: "weekly"})
	if err != nil || len(all) != 3 || !reflect.DeepEqual(all[2], want) {
		t.Errorf("%v\ngot  %+v\nwant %+v last", err, all, want)
	}
	if all, err := db.Firings(ctx, FiringQuery{Since: t0.Add(1), Limit: 1}); err != nil || len(all) != 1 || !all[0].Manual {
		t.Errorf("the newest: %v, %+v", err, all)
	}
	if last, err := db.LastDue(ctx, "weekly"); err != nil || !last.Equal(missed.Due) {
		t.Errorf("last due %v, %v; want %v, not the one by hand", last, err, missed.Due)
	}
}

// Whoever tries, and with whatever outcome: a firing is accounted for once.
func TestFiringIsAccountedForOnce(t *testing.T) {
	db := open(t)
	f := Firing{Schedule: "weekly", Due: t0, Outcome: FiringMissed}
	if err := db.RecordFiring(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if _, err := db.BeginFiring(t.Context(), f); !errors.Is(err, ErrAccounted) {
		t.Errorf("run after it was recorded as missed: %v", err)
	}
	f.Manual = true
	if _, err := db.BeginFiring(t.Context(), f); err != nil {
		t.Errorf("by hand at the same instant: %v", err)
	}
}

func TestInterruptFirings(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	id, err := db.BeginFiring(ctx, Firing{Schedule: "weekly", Due: t0, Started: t0})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.InterruptFirings(ctx, t0.Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("%d interrupted, %v", n, err)
	}
	if n, err := db.InterruptFirings(ctx, t0.Add(2*time.Hour)); n != 0 || err != nil {
		t.Errorf("%d interrupted again, %v", n, err)
	}
	all, err := db.Firings(ctx, FiringQuery{})
	if err != nil || all[0].Outcome != FiringInterrupted || !all[0].Ended.Equal(t0.Add(time.Hour)) || all[0].Reason == "" {
		t.Errorf("%v, %+v", err, all)
	}
	if err := db.EndFiring(ctx, id, FiringRan, "", "r", "healed", t0); err == nil {
		t.Error("what was interrupted has ended well")
	}
}

func TestRecreations(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	want := []Recreation{
		{Cluster: "demo", Machine: "w1", Reason: "agent silent", Started: t0, Ready: 8 * time.Second},
		{Cluster: "demo", Machine: "w2", Reason: "vanished", Started: t0.Add(time.Minute), Error: "no space"},
	}
	for _, r := range append(want, Recreation{Cluster: "other", Started: t0}) {
		if err := db.RecordRecreation(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := db.Recreations(ctx, "demo", time.Time{}); err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, all, want)
	}
	if all, err := db.Recreations(ctx, "demo", t0.Add(1)); err != nil || !reflect.DeepEqual(all, want[1:]) {
		t.Errorf("since: %v, %+v", err, all)
	}
}
