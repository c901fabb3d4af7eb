package serve

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
	"axolotl/internal/store"
)

// kept gives a world a keeper of its one cluster, whose machines are as the
// map says.
func (w *world) kept() (unhealthy map[string]string, used *bool) {
	unhealthy, used = map[string]string{}, new(bool)
	w.Keeper = &Keeper{
		Keeps: func() ([]Keep, error) {
			return []Keep{{Cluster: "axolotl", UnhealthyTimeout: schedule.Duration(time.Minute), MaxRecreations: 2, Window: schedule.Duration(time.Hour)}}, nil
		},
		Look:   func(context.Context, string) (map[string]string, error) { return unhealthy, nil },
		InUse:  func(string) (bool, error) { return *used, nil },
		Record: w.db.RecordRecreation, Recent: w.db.Recreations,
	}
	return unhealthy, used
}

// watch lets time pass in steps of ten seconds; what is begun ends at once.
func (w *world) watch(d time.Duration) {
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		w.at(w.clock.Now().Add(lookEvery))
		for _, watch := range w.Keeper.watches {
			for watch.looking {
				(<-w.done)()
			}
		}
		w.settle()
	}
}

func (w *world) recreations() []history.Recreation {
	w.t.Helper()
	all, err := w.db.Recreations(w.t.Context(), "axolotl", time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func TestKeeper(t *testing.T) {
	w := newWorld(t)
	unhealthy, used := w.kept()
	w.begin()
	w.watch(5 * time.Minute)
	if n := len(w.recreations()); n != 0 {
		t.Fatalf("%d recreations of healthy machines", n)
	}

	unhealthy["worker-1"] = "machine is paused"
	w.watch(50 * time.Second)
	delete(unhealthy, "worker-1") // it came back by itself
	w.watch(30 * time.Second)
	unhealthy["worker-1"] = "machine is crashed"
	w.watch(40 * time.Second)
	*used = true // a run is at work, and may have done it
	w.watch(5 * time.Minute)
	*used = false
	w.watch(time.Minute)
	if n := len(w.recreations()); n != 0 {
		t.Fatalf("%d recreations, want none yet", n)
	}

	w.Recreate = func(context.Context, string) error {
		delete(unhealthy, "worker-1")
		w.clock.Step(7 * time.Second)
		return nil
	}
	w.watch(20 * time.Second)
	all := w.recreations()
	if len(all) != 1 || all[0].Machine != "worker-1" || all[0].Reason != "machine is crashed" || all[0].Ready != 7*time.Second || all[0].Error != "" {
		t.Fatalf("%+v", all)
	}

	// It fails, and then the limit is reached: told once, nothing more is done.
	w.Recreate = func(context.Context, string) error { return errors.New("no space") }
	unhealthy["cp-1"] = "node is not Ready"
	w.watch(10 * time.Minute)
	if all = w.recreations(); len(all) != 2 || all[1].Error != "no space" || all[1].Ready != 0 {
		t.Errorf("%+v", all)
	}
	if n := w.logs.FilterMessageSnippet("limit of recreations").Len(); n != 1 {
		t.Errorf("the limit was told %d times", n)
	}
	w.watch(time.Hour) // the window has passed
	if n := len(w.recreations()); n != 4 {
		t.Errorf("%d recreations, want two more", n)
	}
}

// What a killed run has left is undone first; that may be all.
func TestKeeperUndoesFirst(t *testing.T) {
	w := newWorld(t)
	unhealthy, _ := w.kept()
	w.begin()
	w.Recover = func(context.Context, string) (int, error) { delete(unhealthy, "worker-1"); return 1, nil }
	unhealthy["worker-1"] = "machine is stopped"
	w.watch(5 * time.Minute)
	if n := len(w.recreations()); n != 0 || len(w.restored) != 0 {
		t.Errorf("%d recreations", n)
	}
}

func TestKeeps(t *testing.T) {
	dir := t.TempDir()
	keeps := KeepsAt(store.Home{State: dir})
	if all, err := keeps.List(); err != nil || all == nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
	good := Keep{"demo", schedule.Duration(time.Minute), 1, schedule.Duration(time.Hour)}
	if err := errors.Join(keeps.Set(good), os.WriteFile(filepath.Join(dir, "keep", "torn.json"), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if all, err := keeps.List(); len(all) != 1 || all[0] != good || err == nil || !strings.Contains(err.Error(), "torn.json is damaged") {
		t.Errorf("%+v, %v", all, err)
	}
	if err := keeps.Set(Keep{Cluster: "demo"}); err == nil {
		t.Error("limits of nothing are taken")
	}
	if err := errors.Join(keeps.Remove("demo"), keeps.Remove("demo"), keeps.Remove("torn")); err != nil {
		t.Error(err)
	}
}
