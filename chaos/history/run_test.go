package history

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sampleRun(id string, started time.Time) Run {
	healed := 8 * time.Second
	return Run{
		ID: id, Cluster: "demo", Experiment: "pod-deletion", Driver: "local", Simulated: true, Seed: 1<<64 - 1,
		Started: started, Took: time.Minute, Verdict: "healed", Reason: "r", HealedAfter: &healed,
		Phases: []Phase{{"noticed", time.Second}, {"ready", 7 * time.Second}}, Report: []byte(`{"id":"` + id + `"}`),
	}
}

func TestRuns(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	want := sampleRun("r1", t0)
	raw := []byte(strings.Repeat(`{"atNs":1},`, 1000))
	begun := want
	begun.Verdict, begun.HealedAfter, begun.Phases, begun.Took = "", nil, nil, 0
	for range 2 { // with more that is known, the second time
		if err := db.BeginRun(ctx, begun); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := db.Runs(ctx, RunQuery{}); err != nil || len(all) != 1 || all[0].Verdict != RunRunning || all[0].HealedAfter != nil {
		t.Errorf("under way: %v, %+v", err, all)
	}
	for range 2 { // as when it is not known whether the first was written
		if err := db.EndRun(ctx, want, raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.BeginRun(ctx, begun); err != nil { // comes too late
		t.Fatal(err)
	}
	if all, err := db.Runs(ctx, RunQuery{}); err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, all, want)
	}
	if got, err := db.Raw(ctx, "r1"); err != nil || !bytes.Equal(got, raw) {
		t.Errorf("raw data: %v, %d bytes, want %d", err, len(got), len(raw))
	}
	if bytes, err := used(ctx, db.sql); err != nil || bytes > 100<<10 {
		t.Errorf("%d bytes are used, %v", bytes, err)
	}

	other := sampleRun("r0", t0.Add(time.Hour))
	other.Cluster, other.Experiment = "gone", "node-drain"
	if err := db.EndRun(ctx, other, nil); err != nil {
		t.Fatal(err)
	}
	for query, ids := range map[RunQuery]string{
		{}: "r1 r0", {Limit: 1}: "r0", {Cluster: "demo"}: "r1", {Experiment: "node-drain"}: "r0",
		{Since: t0.Add(1)}: "r0", {ID: "r1"}: "r1", {ID: "r1", Cluster: "gone"}: "",
	} {
		all, err := db.Runs(ctx, query)
		var got []string
		for _, r := range all {
			got = append(got, r.ID)
		}
		if err != nil || strings.Join(got, " ") != ids {
			t.Errorf("%+v: %v, %v; want %s", query, got, err, ids)
		}
	}
	if raw, err := db.Raw(ctx, "r0"); raw != nil || err != nil {
		t.Errorf("no raw data: %q, %v", raw, err)
	}
}

// One row that is damaged hides no other.
func TestRunWhoseReportIsDamaged(t *testing.T) {
	db := open(t)
	for i, id := range []string{"r1", "r2"} {
		if err := db.EndRun(t.Context(), sampleRun(id, t0.Add(time.Duration(i))), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.sql.ExecContext(t.Context(), `UPDATE runs SET report = substr(report, 1, 20) WHERE id = 'r1'`); err != nil {
		t.Fatal(err)
	}
	all, err := db.Runs(t.Context(), RunQuery{})
	if len(all) != 1 || all[0].ID != "r2" || err == nil || !strings.Contains(err.Error(), `run "r1"`) {
		t.Errorf("%v, %v", all, err)
	}
}

func TestPrune(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	day := 24 * time.Hour
	for i := range 40 {
		r := sampleRun(string(rune('a'+i)), t0.Add(time.Duration(i)*day))
		r.Report = bytes.Repeat([]byte(r.ID), 10)
		if err := db.EndRun(ctx, r, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := db.sql.ExecContext(ctx, `UPDATE runs SET raw = randomblob(100000) WHERE id = ?`, r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.BeginRun(ctx, sampleRun("running", t0)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := db.RecordFiring(ctx, Firing{Schedule: "s", Due: t0.Add(time.Duration(i)), Outcome: FiringMissed}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.RecordRecreation(ctx, Recreation{Started: t0}); err != nil {
		t.Fatal(err)
	}

	old := Retention{Before: t0.Add(10 * day), DryRun: true}
	would, err := db.Prune(ctx, old)
	if all, _ := db.Runs(ctx, RunQuery{}); err != nil || would.Runs != 10 || len(all) != 41 {
		t.Errorf("a dry run: %v, %+v, %d are left", err, would, len(all))
	}
	old.DryRun = false
	did, err := db.Prune(ctx, old)
	if err != nil || did != would || did.Firings != 2 || did.Recreations != 1 {
		t.Errorf("%v, did %+v, would do %+v", err, did, would)
	}
	if last, err := db.LastDue(ctx, "s"); err != nil || !last.Equal(t0.Add(2)) {
		t.Errorf("what the schedule has done last is gone: %v, %v", last, err)
	}

	const limit = 1 << 20
	did, err = db.Prune(ctx, Retention{MaxBytes: limit})
	all, _ := db.Runs(ctx, RunQuery{})
	if err != nil || did.Bytes > limit || len(all) < 5 || len(all) > 11 || all[0].ID != "running" || all[len(all)-1].ID != string(rune('a'+39)) {
		t.Errorf("%v, %+v, %d are left", err, did, len(all))
	}
	if size := sizeOf(t, db.path); size > limit+limit/10 {
		t.Errorf("the file still has %d bytes", size)
	}
	if err := db.Check(ctx); err != nil {
		t.Error(err)
	}
}
