package serve

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	clocktest "k8s.io/utils/clock/testing"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
	"axolotl/internal/store"
)

// t0 is a Thursday.
var t0 = time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)

// world is a daemon with a clock that stands still, on a history and schedules
// on disk, and runs that end when a test lets them.
type world struct {
	*Daemon
	Schedules schedule.Store // the daemon's

	t     *testing.T
	clock *clocktest.FakeClock
	db    *history.DB
	logs  *observer.ObservedLogs
	home  store.Home

	mu       sync.Mutex
	runs     []Order
	verdicts []chaos.Verdict // of the next runs; healed where there are none
	fail     error           // of every run
	hold     chan struct{}   // where not nil, runs wait for it to close, or to be aborted
	began    chan struct{}   // has an element for each run that has begun
	told     []Message
	undone   []string // clusters that Recover was asked for
	restored []string
}

// newWorld opens a world in a directory of the test's.
func newWorld(t *testing.T) *world {
	t.Helper()
	home := store.Home{State: t.TempDir()}
	db, err := history.Open(t.Context(), history.Path(home))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{Schedules: schedule.At(home), t: t, clock: clocktest.NewFakeClock(t0), db: db, home: home, began: make(chan struct{}, 100_000)}
	w.restart()
	return w
}

// restart makes a new daemon, as a new process does: nothing is left of the
// old one but what is on disk.
func (w *world) restart() {
	core, logs := observer.New(zap.DebugLevel)
	w.logs = logs
	w.Daemon = &Daemon{
		Schedules: w.Schedules, History: w.db, Clock: w.clock, Log: zap.New(core), Metrics: NewMetrics(), Drain: time.Minute,
		Run: w.run,
		Recreate: func(_ context.Context, cluster string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.restored = append(w.restored, cluster)
			return nil
		},
		Clusters: func() ([]string, error) { return []string{"axolotl"}, nil },
		Recover: func(_ context.Context, cluster string) (int, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.undone = append(w.undone, cluster)
			return 0, nil
		},
		Tell: func(_ []schedule.Notify, m Message) { w.told = append(w.told, m) },
	}
}

func (w *world) run(ctx context.Context, order Order) (*chaos.Report, error) {
	w.mu.Lock()
	w.runs = append(w.runs, order)
	report := &chaos.Report{ID: fmt.Sprintf("run-%d", len(w.runs)), Experiment: order.Experiment, Cluster: order.Schedule.Cluster, Seed: order.Seed, Verdict: chaos.Healed}
	if len(w.verdicts) > 0 {
		report.Verdict, w.verdicts = w.verdicts[0], w.verdicts[1:]
	}
	hold, fail := w.hold, w.fail
	w.mu.Unlock()
	w.began <- struct{}{}
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			report.Verdict, report.Reason = chaos.Aborted, "interrupted"
		}
	}
	if fail != nil {
		return nil, fail
	}
	if report.Verdict == "panic" {
		panic("out of salamanders")
	}
	return report, nil
}

// begin starts the daemon, and waits until nothing of before is left to undo.
func (w *world) begin() {
	w.t.Helper()
	if err := w.start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
}

// settle lets all runs at work end.
func (w *world) settle() {
	for len(w.busy) > 0 {
		(<-w.done)()
	}
}

// at sets the clock and lets the daemon look, without waiting for runs.
func (w *world) at(now time.Time) {
	w.clock.SetTime(now)
	w.tick(w.t.Context())
}

// pass lets time pass in steps, as the daemon's loop does, and runs end at
// once.
func (w *world) pass(d, step time.Duration) {
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		w.at(w.clock.Now().Add(step))
		w.settle()
	}
}

// add adds a schedule with these lines beside the usual ones.
func (w *world) add(name, lines string) {
	w.t.Helper()
	s, err := schedule.Parse(name+".yaml", []byte("kind: Schedule\nname: "+name+"\nexperiment: pod-deletion\n"+lines), w.clock.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Schedules.Add(*s, w.clock.Now(), true); err != nil {
		w.t.Fatal(err)
	}
}

// firings shows what the history has, oldest first: "10:01 ran healed".
func (w *world) firings() []string {
	w.t.Helper()
	all, err := w.db.Firings(w.t.Context(), history.FiringQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	var shown []string
	for i := len(all) - 1; i >= 0; i-- {
		f := all[i]
		text := fmt.Sprintf("%s %s", f.Due.UTC().Format("15:04"), f.Outcome)
		for _, more := range []string{f.Verdict, f.Reason} {
			if more != "" {
				text += " " + more
			}
		}
		shown = append(shown, text)
	}
	return shown
}

// failingHistory fails while broken is set, as on a full disk.
type failingHistory struct {
	*history.DB
	broken bool
}

var errFull = errors.New("no space left on device")

func (h *failingHistory) BeginFiring(ctx context.Context, f history.Firing) (int64, error) {
	if h.broken {
		return 0, errFull
	}
	return h.DB.BeginFiring(ctx, f)
}

func (h *failingHistory) RecordFirings(ctx context.Context, firings []history.Firing) error {
	if h.broken {
		return errFull
	}
	return h.DB.RecordFirings(ctx, firings)
}

func (h *failingHistory) EndFiring(ctx context.Context, id int64, outcome history.Outcome, reason, run, verdict string, ended time.Time) error {
	if h.broken {
		return errFull
	}
	return h.DB.EndFiring(ctx, id, outcome, reason, run, verdict, ended)
}

func schedulePath(home store.Home, name string) string {
	return filepath.Join(home.State, "schedules", name+".json")
}
