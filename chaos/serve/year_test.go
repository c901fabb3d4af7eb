package serve

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"axolotl/chaos/history"
)

// TestYear drives schedules in four zones through a year with its clock
// changes, while the host sleeps, its clock is set back and forth, and the
// daemon is restarted, also in the middle of runs. Each firing is accounted
// for exactly once, and nothing is run that is not due.
func TestYear(t *testing.T) {
	zones := []string{"Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "UTC"}
	w := newWorld(t)
	for i, zone := range zones {
		w.add(fmt.Sprintf("nightly-%d", i), fmt.Sprintf("cron: '30 1,2 * * *'\nzone: %s\njitter: 4m\nseed: %d\ncluster: c-%d\nstartingDeadline: 20m\n", zone, i+1, i))
		w.add(fmt.Sprintf("often-%d", i), fmt.Sprintf("cron: '@every 5h'\nzone: %s\nconcurrency: queue\nquiet: {days: sun}\ncluster: c-%d\nstartingDeadline: 20m\n", zone, i))
	}
	random := rand.New(rand.NewPCG(7, 7))
	w.begin()
	latest := t0
	days := 365
	if testing.Short() {
		days = 120
	}
	end := t0.AddDate(0, 0, days)
	for now := t0; now.Before(end); now = w.clock.Now() {
		step := 10 * time.Minute
		switch n := random.IntN(2000); {
		case n < 10: // the host sleeps
			step = time.Duration(random.IntN(72)) * time.Hour
		case n < 14: // the clock is set back
			step = -time.Duration(random.IntN(180)) * time.Minute
		case n < 18: // killed, with runs at work
			for range w.busy {
				go func(done chan func()) { <-done }(w.done)
			}
			w.restart()
			if err := w.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.settle()
		}
		w.at(now.Add(step))
		if random.IntN(3) > 0 { // else they are at work until the next time
			w.settle()
		}
		if latest.Before(w.clock.Now()) {
			latest = w.clock.Now()
		}
	}
	w.settle()
	w.tick(t.Context())
	w.settle()

	runs := map[string]bool{}
	for _, r := range w.runs {
		key := fmt.Sprint(r.Schedule.Name, r.Due.UTC())
		if runs[key] {
			t.Errorf("run twice: %s", key)
		}
		runs[key] = true
	}
	outcomes := map[history.Outcome]int{}
	for i := range zones {
		for _, name := range []string{fmt.Sprintf("nightly-%d", i), fmt.Sprintf("often-%d", i)} {
			w.accounted(name, latest, runs, outcomes)
		}
	}
	t.Logf("%d days: %v", days, outcomes)
	for _, outcome := range []history.Outcome{history.FiringRan, history.FiringMissed, history.FiringSkipped, history.FiringInterrupted} {
		if outcomes[outcome] == 0 {
			t.Errorf("no firing was %s: the test shows too little", outcome)
		}
	}
}

// accounted holds the history of a schedule to its timetable: every firing
// until then, once, and no other.
func (w *world) accounted(name string, until time.Time, runs map[string]bool, outcomes map[history.Outcome]int) {
	w.t.Helper()
	record, err := w.Schedules.Load(name)
	if err != nil {
		w.t.Fatal(err)
	}
	timetable, err := record.Timetable()
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := w.db.Firings(w.t.Context(), history.FiringQuery{Schedule: name})
	if err != nil {
		w.t.Fatal(err)
	}
	at := t0
	for i := len(all) - 1; i >= 0; i-- {
		want, ok := timetable.After(at)
		if !ok || !all[i].Due.Equal(want.Due) {
			w.t.Fatalf("%s: after %s comes %s in the history, want %s", name, at, all[i].Due, want.Due)
		}
		at = want.Due
		ran := all[i].Outcome == history.FiringRan || all[i].Outcome == history.FiringInterrupted
		if ran != runs[fmt.Sprint(name, all[i].Due.UTC())] || all[i].Outcome == history.FiringRunning {
			w.t.Errorf("%s: %+v was run: %t", name, all[i], !ran)
		}
		outcomes[all[i].Outcome]++
	}
	if next, ok := timetable.After(at); ok && !next.Start.After(until) {
		w.t.Errorf("%s: the firing of %s is not in the history, which ends at %s", name, next.Start, at)
	}
}
