package schedule

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axolotl/internal/store"
)

func sample(t *testing.T, name string) Schedule {
	t.Helper()
	s, err := Parse("s.yaml", []byte("kind: Schedule\nname: "+name+"\nexperiment: pod-deletion\ncron: '@hourly'\n"), added)
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

func TestStore(t *testing.T) {
	schedules := At(store.Home{State: t.TempDir()})
	if all, err := schedules.List(); err != nil || all == nil || len(all) != 0 {
		t.Errorf("none: %v, %v", all, err)
	}
	last := uint64(1)
	mark := func() {
		t.Helper()
		m, err := schedules.Fingerprint()
		if err != nil || m == last {
			t.Errorf("the fingerprint %x, error %v, is not another one", m, err)
		}
		last = m
	}
	mark()
	for _, name := range []string{"b", "a"} {
		if _, err := schedules.Add(sample(t, name), added, false); err != nil {
			t.Fatal(err)
		}
		mark()
	}
	if _, err := schedules.Add(sample(t, "a"), added, false); err == nil || !strings.Contains(err.Error(), "--replace") {
		t.Errorf("added twice: %v", err)
	}
	if _, err := schedules.Add(sample(t, "a"), added.Add(time.Hour), true); err != nil {
		t.Error(err)
	}
	mark()
	r, err := schedules.Change("a", func(r *Record) bool {
		r.Paused = &Pause{added, "by hand"}
		return true
	})
	if err != nil || r.State(added) != "paused" {
		t.Errorf("%+v, %v", r, err)
	}
	mark()
	var missing *NotFoundError
	if _, err := schedules.Load("c"); !errors.As(err, &missing) || !strings.Contains(err.Error(), "known schedules: a, b") {
		t.Errorf("%v", err)
	}
	if err := schedules.Remove("../s"); err == nil {
		t.Error("a path is taken for a name")
	}
	if err := schedules.Remove("a"); err != nil {
		t.Error(err)
	}
	mark()
	if err := schedules.Remove("a"); !errors.As(err, &missing) {
		t.Errorf("removed twice: %v", err)
	}
}

// TestDamagedRecord: it is listed as broken, hides no other, and goes.
func TestDamagedRecord(t *testing.T) {
	dir := t.TempDir()
	schedules := At(store.Home{State: dir})
	for _, name := range []string{"good", "cut", "other", "old"} {
		if _, err := schedules.Add(sample(t, name), added, false); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(string) string{
		"cut":   func(text string) string { return text[:len(text)/2] },
		"other": func(text string) string { return strings.Replace(text, `"other"`, `"good"`, 1) },
		"old":   func(text string) string { return strings.Replace(text, "@hourly", "@fortnightly", 1) },
	} {
		path := filepath.Join(dir, "schedules", name+".json")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(change(string(data))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := schedules.List()
	if err != nil || len(all) != 4 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, r := range all {
		if broken := r.State(added) == "broken"; broken == (r.Schedule.Name == "good") {
			t.Errorf("%s is %s: %s", r.Schedule.Name, r.State(added), r.Broken)
		}
	}
	if _, err := schedules.Load("cut"); err == nil || !strings.Contains(err.Error(), "axolotl schedule remove cut") {
		t.Errorf("%v", err)
	}
	if err := schedules.Remove("cut"); err != nil {
		t.Error(err)
	}
}

// A pause, of a budget as a rule, is for a person to end, and not by the way when a
// schedule is changed.
func TestReplacedStaysPaused(t *testing.T) {
	schedules := At(store.Home{State: t.TempDir()})
	if _, err := schedules.Add(sample(t, "a"), added, false); err != nil {
		t.Fatal(err)
	}
	pause := &Pause{At: added, Reason: "budget: 2 run(s) did not heal"}
	if _, err := schedules.Change("a", func(r *Record) bool { r.Paused = pause; return true }); err != nil {
		t.Fatal(err)
	}
	later := added.Add(time.Hour)
	if _, err := schedules.Add(sample(t, "a"), later, true); err != nil {
		t.Fatal(err)
	}
	r, err := schedules.Load("a")
	if err != nil || r.Paused == nil || r.Paused.Reason != pause.Reason || !r.Added.Equal(later) {
		t.Errorf("%+v, %v", r, err)
	}
	if err := schedules.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if r, err := schedules.Add(sample(t, "a"), later, false); err != nil || r.Paused != nil {
		t.Errorf("another one of that name: %+v, %v", r, err)
	}
}
