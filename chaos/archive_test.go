package chaos

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/history"
	"axolotl/chaos/timeline"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// openHistory opens a history in a directory of the test's own.
func openHistory(t *testing.T) *history.DB {
	t.Helper()
	return openHistoryAt(t, filepath.Join(t.TempDir(), history.FileName))
}

func openHistoryAt(t *testing.T, path string) *history.DB {
	t.Helper()
	db, err := history.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // some tests close it, too
	return db
}

var someDay = time.Date(2026, 11, 24, 22, 20, 27, 0, time.UTC)

// Two runs within one second are told in the order in which they were, which
// their IDs do not know.
func TestReportsAreInOrder(t *testing.T) {
	db := openHistory(t)
	if all, err := Reports(t.Context(), db, history.RunQuery{}); err != nil || all == nil || len(all) != 0 {
		t.Fatalf("of a new history: %v, %v", all, err)
	}
	for i, suffix := range []string{"zzzzz", "aaaaa", "mmmmm"} {
		p := &Report{Started: someDay.Add(time.Duration(i) * time.Millisecond)}
		p.ID = runID(p.Started, suffix)
		if err := put(t.Context(), db, p); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Reports(t.Context(), db, history.RunQuery{})
	var suffixes []string
	for _, p := range all {
		suffixes = append(suffixes, p.ID[len(p.ID)-5:])
	}
	if err != nil || strings.Join(suffixes, " ") != "zzzzz aaaaa mmmmm" {
		t.Errorf("%v, %v", suffixes, err)
	}
}

// Reports that are files go into the history once, whole; what cannot be read
// stays where it is.
func TestTakeIn(t *testing.T) {
	home := store.Home{State: filepath.Join(t.TempDir(), "a [dir] *")}
	db := openHistoryAt(t, history.Path(home))
	runs := filepath.Join(home.Cluster("demo"), "runs")
	p := &Report{
		ID: "r1", Cluster: "demo", Experiment: "e", Started: someDay, Verdict: NotHealed, Reason: "because",
		Raw: &Raw{Requests: []RawRequest{{At: time.Second, Fail: "refused"}}},
	}
	for name, value := range map[string]any{"r1": p, "r2": p} {
		if err := store.WriteJSON(filepath.Join(runs, name+".json"), value); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.WriteFile(filepath.Join(runs, "r3.json"), []byte(`{"id": "r3", "ver`), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := TakeIn(t.Context(), db, home)
		if err == nil || !strings.Contains(err.Error(), "r3.json is damaged") || !strings.Contains(err.Error(), `r2.json is no report of run "r2"`) {
			t.Errorf("%v", err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(strings.NewReplacer("[", `\[`, "*", `\*`).Replace(runs), "*")); err != nil || len(left) != 2 {
		t.Errorf("%v are left, %v; want r2 and r3", left, err)
	}
	all, err := Reports(t.Context(), db, history.RunQuery{})
	if err != nil || len(all) != 1 || all[0].Verdict != NotHealed || all[0].Reason != "because" || all[0].Raw != nil {
		t.Fatalf("%v, %+v", err, all)
	}
	if err := all[0].AddRaw(t.Context(), db); err != nil || len(all[0].Raw.Requests) != 1 || all[0].Raw.Requests[0].Fail != "refused" {
		t.Errorf("%v, %+v", err, all[0].Raw)
	}
	for _, missing := range []struct{ cluster, id, want string }{
		{"", "r2", `there is no run "r2"`}, {"demo", "../cluster", `cluster "demo" has no run "../cluster"`}, {"other", "r1", `cluster "other" has no run`}, {"", "", "there is no run"},
	} {
		if _, err := ReadReport(t.Context(), db, missing.cluster, missing.id); err == nil || !strings.Contains(err.Error(), missing.want) {
			t.Errorf("%+v: %v", missing, err)
		}
	}
}

// recorded is a run of which nothing was done yet.
func recorded(t *testing.T, home store.Home, db Recorder) (*run, *bytes.Buffer) {
	e, err := Open("pod-deletion")
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	c := &vm.Cluster{Name: "demo", Dir: home.Cluster("demo")}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	runner := &Runner{Handle: &vm.Handle{Cluster: c, Driver: simulatedDriver{}}, Progress: term.NewProgress(&said, false), History: db}
	return runner.newRun(e), &said
}

// simulatedDriver is a driver of which only the name is asked for.
type simulatedDriver struct{ vm.Driver }

func (simulatedDriver) Name() string      { return "local" }
func (simulatedDriver) Traits() vm.Traits { return vm.Traits{} }

// A run is in the history from its beginning on.
func TestRunIsRecordedAsItBegins(t *testing.T) {
	home := store.Home{State: t.TempDir()}
	db := openHistoryAt(t, history.Path(home))
	r, _ := recorded(t, home, db)
	r.begin(t.Context())
	p, err := ReadReport(t.Context(), db, "demo", r.id)
	if err != nil || p.Verdict != Running || p.Plan == nil || p.Seed != r.seed || p.File == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	r.log.Add(timeline.Observation{PodGone: "u"})
	if ended := r.conclude(t.Context(), errInterrupted); ended.Raw != nil || ended.Verdict != Aborted {
		t.Errorf("%+v", ended)
	}
	if p, err = ReadReport(t.Context(), db, "demo", r.id); err != nil || p.Verdict != Aborted {
		t.Errorf("%+v, %v", p, err)
	}
	if err := p.AddRaw(t.Context(), db); err != nil || len(p.Raw.Timeline) != 1 {
		t.Errorf("raw data: %+v, %v", p.Raw, err)
	}
	if HasFiles(home) {
		t.Error("there is a file beside the history")
	}
}

// A run that cannot be recorded loses nothing: it says where its report is,
// and the next one who opens the history puts it there.
func TestReportWhoseHistoryCannotBeWritten(t *testing.T) {
	home := store.Home{State: t.TempDir()}
	db := openHistoryAt(t, history.Path(home))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	withNone, _ := recorded(t, home, nil)
	withClosed, said := recorded(t, home, db)
	for _, r := range []*run{withNone, withClosed} {
		r.begin(t.Context())
		r.log.Add(timeline.Observation{PodGone: "u"})
		if p := r.conclude(t.Context(), errInterrupted); p.Verdict != Aborted || p.Reason != "interrupted" {
			t.Errorf("%+v", p)
		}
	}
	file := runFile(withClosed.home, withClosed.id)
	if _, err := os.Stat(file); err != nil || !strings.Contains(said.String(), file) {
		t.Errorf("%v; it said %q", err, said)
	}
	db = openHistoryAt(t, history.Path(home))
	if err := TakeIn(t.Context(), db, home); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*run{withNone, withClosed} {
		p, err := ReadReport(t.Context(), db, "demo", r.id)
		if err != nil || p.Verdict != Aborted {
			t.Fatalf("%+v, %v", p, err)
		}
		if err := p.AddRaw(t.Context(), db); err != nil || len(p.Raw.Timeline) != 1 {
			t.Errorf("raw data: %+v, %v", p.Raw, err)
		}
	}
}
