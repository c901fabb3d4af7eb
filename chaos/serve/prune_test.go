package serve

import (
	"context"
	"errors"
	"testing"
	"time"

	"axolotl/chaos/history"
)

// prunes lets time pass in minutes, and pruning end.
func (w *world) prunes(d time.Duration) {
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		w.pass(time.Minute, time.Minute)
		for w.pruning {
			(<-w.done)()
		}
	}
}

// What is too old goes at the start and every hour, whatever else goes on, and
// no firing is run again for it.
func TestPrune(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute)
	w.add("b", "cron: '30 10 1 1 *'\n") // once
	times := 0
	w.Prune = func(ctx context.Context, now time.Time) (history.Pruned, error) {
		times++
		return w.db.Prune(ctx, history.Retention{Before: now.Add(-30 * time.Minute)})
	}
	w.begin()
	w.prunes(4*time.Hour + time.Minute)
	if times != 5 {
		t.Errorf("pruned %d times, want at the start and each hour", times)
	}
	all, err := w.db.Firings(t.Context(), history.FiringQuery{Schedule: "a"})
	if err != nil || len(all) < 30 || len(all) > 32 {
		t.Errorf("%d firings are left, %v", len(all), err)
	}
	if once, err := w.db.Firings(t.Context(), history.FiringQuery{Schedule: "b"}); err != nil || len(once) != 1 {
		t.Errorf("the last firing of a schedule is gone: %v, %v", once, err)
	}
	w.restart()
	w.begin()
	w.pass(time.Minute, time.Minute)
	if n := len(w.runs); n != 4*60+2 {
		t.Errorf("%d runs, want one a minute and one more", n)
	}
}

// It fails, or panics: that is told, and tried again.
func TestPruneFails(t *testing.T) {
	w := newWorld(t)
	times := 0
	w.Prune = func(context.Context, time.Time) (history.Pruned, error) {
		if times++; times == 1 {
			panic("out of axolotls")
		}
		return history.Pruned{}, errors.New("it is damaged")
	}
	w.begin()
	w.prunes(3 * time.Hour)
	panicked, failed := w.logs.FilterMessageSnippet("panicked").Len(), w.logs.FilterMessageSnippet("not pruned").Len()
	if times != 3 || panicked != 1 || failed != 2 {
		t.Errorf("tried %d times; told of %d panics and %d errors", times, panicked, failed)
	}
}
