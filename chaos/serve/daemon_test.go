package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
)

const everyMinute = "cron: '* * * * *'\n"

func (w *world) want(firings ...string) {
	w.t.Helper()
	if got := w.firings(); !reflect.DeepEqual(got, firings) {
		w.t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(firings, "\n  "))
	}
}

func TestFiringsRun(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute+"seed: 7\n")
	w.begin()
	w.pass(150*time.Second, time.Second)
	w.want("10:01 ran healed", "10:02 ran healed")
	s, err := w.Schedules.Load("a")
	if err != nil {
		t.Fatal(err)
	}
	timetable, err := s.Timetable()
	if err != nil {
		t.Fatal(err)
	}
	// What runs is what 'schedule next' has printed.
	for i, f := range timetable.Next(t0, 2, false) {
		_, seed := timetable.Choice(f.Due)
		if r := w.runs[i]; !r.Due.Equal(f.Due) || r.Seed != seed || r.Experiment != "pod-deletion" {
			t.Errorf("run %d is %+v, want %v with seed %d", i, r, f, seed)
		}
	}
	if len(w.undone) != 1 {
		t.Errorf("recovered %v, want the one cluster, once", w.undone)
	}
}

// FAULTS.md 23: what was missed is recorded as missed, with the reason; none
// is run twice, and one that may be late is run late.
func TestSleepOffAndClockSteps(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute+"startingDeadline: 30s\n")
	w.begin()
	w.at(t0.Add(time.Minute))
	w.settle()
	w.at(t0.Add(4*time.Minute + 10*time.Second)) // slept
	w.settle()
	w.want("10:01 ran healed",
		"10:02 missed late by 2m10s: the host slept, or its clock was set",
		"10:03 missed late by 1m10s: the host slept, or its clock was set",
		"10:04 ran healed")

	w.pass(-4*time.Minute, time.Second) // nothing
	w.at(t0)                            // the clock is set back
	w.pass(4*time.Minute, time.Second)
	if n := len(w.runs); n != 2 {
		t.Errorf("%d runs after the clock was set back, want 2 as before", n)
	}
	w.pass(time.Minute, time.Second)
	w.clock.SetTime(t0.Add(7*time.Minute + 45*time.Second)) // the daemon was off
	w.restart()
	w.begin()
	w.tick(t.Context())
	w.settle()
	w.want("10:01 ran healed",
		"10:02 missed late by 2m10s: the host slept, or its clock was set",
		"10:03 missed late by 1m10s: the host slept, or its clock was set",
		"10:04 ran healed", "10:05 ran healed",
		"10:06 missed late by 1m45s: the daemon did not run",
		"10:07 missed late by 45s: the daemon did not run")
}

// Several are due within what they may be late: one stands for all.
func TestCatchUpRunsOnce(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute+"startingDeadline: 10m\n")
	w.begin()
	w.at(t0.Add(3 * time.Minute))
	w.settle()
	w.want("10:01 missed a later firing was due by then", "10:02 missed a later firing was due by then", "10:03 ran healed")
}

// FAULTS.md 24: what overlaps is skipped and recorded, also that of another
// schedule; on another cluster it is none.
func TestOverlap(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute)
	w.add("b", "cron: '2 * * * *'\n")
	w.add("c", "cron: '2 * * * *'\ncluster: other\n")
	w.hold = make(chan struct{})
	w.begin()
	w.at(t0.Add(time.Minute))
	w.at(t0.Add(2 * time.Minute))
	close(w.hold)
	w.settle()
	w.want("10:01 ran healed",
		"10:02 skipped overlap: the run of schedule a that was due at 10:01:00",
		"10:02 skipped overlap: the run of schedule a that was due at 10:01:00",
		"10:02 ran healed")
	if last := w.runs[1]; last.Schedule.Name != "c" {
		t.Errorf("%s was run beside a", last.Schedule.Name)
	}
}

func TestQueue(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute+"concurrency: queue\nstartingDeadline: 150s\n")
	w.hold = make(chan struct{})
	w.begin()
	w.at(t0.Add(time.Minute))
	w.at(t0.Add(2 * time.Minute))
	w.at(t0.Add(3 * time.Minute))
	if len(w.runs) > 1 {
		t.Errorf("%d runs at once", len(w.runs))
	}
	w.clock.SetTime(t0.Add(4*time.Minute + 40*time.Second))
	close(w.hold)
	w.settle()
	for range 3 { // each in its turn
		w.tick(t.Context())
		w.settle()
	}
	w.want("10:01 ran healed", "10:02 missed late by 2m40s: it waited for its turn on the cluster", "10:03 ran healed", "10:04 ran healed")
}

// FAULTS.md 24: a panic ends the firing, never the daemon.
func TestPanicAndErrors(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute+"notify: {command: 'true'}\n")
	w.verdicts = []chaos.Verdict{"panic", chaos.Refused, chaos.HealedLate}
	w.begin()
	w.pass(3*time.Minute, time.Minute)
	w.fail = errors.New("no such cluster")
	w.pass(time.Minute, time.Minute)
	w.want("10:01 interrupted panic: out of salamanders", "10:02 skipped refused", "10:03 ran healed-late", "10:04 skipped no such cluster")
	if w.logs.FilterMessageSnippet("panicked").Len() != 1 {
		t.Error("the panic is not in the log")
	}
	var told []string
	for _, m := range w.told {
		told = append(told, string(m.Event))
	}
	if got := strings.Join(told, " "); got != "failed refused healed-late failed" {
		t.Errorf("told: %s", got)
	}
}

func TestBudgetOfADay(t *testing.T) {
	w := newWorld(t) // 10:00 UTC is 23:00 in Auckland
	w.add("a", "cron: '*/20 * * * *'\nzone: Pacific/Auckland\nbudget: {runsPerDay: 2}\n")
	w.begin()
	w.pass(110*time.Minute, time.Minute)
	w.want("10:20 ran healed", "10:40 ran healed", "11:00 ran healed", "11:20 ran healed", "11:40 skipped budget: 2 run(s) on this day")
}

func TestStopAfterNotHealed(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute+"budget: {stopAfterNotHealed: 2}\n")
	w.verdicts = []chaos.Verdict{chaos.NotHealed, chaos.Healed, chaos.UndoFailed, chaos.Healed, chaos.NotHealed}
	w.begin()
	w.pass(5*time.Minute, time.Minute)
	if len(w.runs) != 3 {
		t.Errorf("%d runs, want 3: it pauses after the second that did not heal", len(w.runs))
	}
	r, err := w.Schedules.Load("a")
	if err != nil || r.Paused == nil || !strings.Contains(r.Paused.Reason, "2 run(s) did not heal") {
		t.Fatalf("%+v, %v", r, err)
	}
	now := w.clock.Now()
	_, err = w.Schedules.Change("a", func(r *schedule.Record) bool {
		r.Paused, r.Resumed, r.Counted = nil, now, now
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(3*time.Minute, time.Minute)
	if len(w.runs) != 6 {
		t.Errorf("%d runs, want 6: those before count no more, and what was due in the pause is not made up for", len(w.runs))
	}
}

// A run that 'axolotl chaos abort' has ended is one that ran; the daemon, which was
// not told to end, goes on with the next.
func TestAbortedRunEndsNothingElse(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute)
	w.verdicts = []chaos.Verdict{chaos.Aborted}
	w.begin()
	w.pass(2*time.Minute, time.Minute)
	w.want("10:01 ran aborted", "10:02 ran healed")
}

// Changes are followed without a restart.
func TestChangesAreFollowed(t *testing.T) {
	w := newWorld(t)
	w.begin()
	w.pass(time.Minute, time.Minute)
	w.add("a", everyMinute)
	w.pass(time.Minute, time.Minute)
	w.add("a", "cron: '@every 30s'\n") // replaced
	w.pass(time.Minute, 30*time.Second)
	if err := w.Schedules.Remove("a"); err != nil {
		t.Fatal(err)
	}
	w.pass(5*time.Minute, time.Minute)
	w.want("10:02 ran healed", "10:02 ran healed", "10:03 ran healed")
}

// FAULTS.md 17 under serve: a damaged schedule is told, the others go on, and
// it is taken up once it is mended.
func TestDamagedSchedule(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute)
	w.add("b", everyMinute+"cluster: other\n")
	path := schedulePath(w.home, "a")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:50], 0o600); err != nil {
		t.Fatal(err)
	}
	w.begin()
	w.pass(time.Minute, time.Minute)
	if len(w.runs) != 1 || w.runs[0].Schedule.Name != "b" {
		t.Errorf("runs %+v", w.runs)
	}
	if n := w.logs.FilterMessageSnippet("broken").Len(); n != 1 {
		t.Errorf("told %d times", n)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute, time.Minute)
	if len(w.runs) != 3 {
		t.Errorf("%d runs, want b twice and a once", len(w.runs))
	}
}

// FAULTS.md 14 under serve: nothing can be written down. Nothing is run that
// could be run again, what has ended is written down once there is room, and
// the daemon lives.
func TestDiskFull(t *testing.T) {
	w := newWorld(t)
	disk := &failingHistory{DB: w.db}
	w.History = disk
	w.add("a", everyMinute+"startingDeadline: 90s\n")
	w.hold = make(chan struct{})
	w.begin()
	w.at(t0.Add(time.Minute))
	disk.broken = true
	close(w.hold)
	w.settle()
	w.want("10:01 running")
	w.pass(2*time.Minute, time.Second)
	if len(w.runs) != 1 {
		t.Errorf("%d runs while none could be recorded", len(w.runs)-1)
	}
	disk.broken = false
	w.pass(time.Minute, time.Second)
	w.want("10:01 ran healed", "10:02 missed a later firing was due by then", "10:03 ran healed", "10:04 ran healed")
	if n := w.logs.FilterMessageSnippet("cannot be accounted for").Len(); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// FAULTS.md 13 under serve: what the runs depend on goes away and comes back.
func TestClusterGoesAndComesBack(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute)
	w.begin()
	w.fail = errors.New("libvirt: connection reset")
	w.pass(2*time.Minute, time.Minute)
	w.fail = nil
	w.pass(time.Minute, time.Minute)
	w.want("10:01 skipped libvirt: connection reset", "10:02 skipped libvirt: connection reset", "10:03 ran healed")
}

// Killed in the middle: the next start records it as interrupted, undoes what
// is left before it runs anything, and does not run the firing again.
func TestKilledInTheMiddle(t *testing.T) {
	w := newWorld(t)
	w.add("a", everyMinute)
	w.hold = make(chan struct{})
	w.begin()
	w.at(t0.Add(time.Minute)) // and here it ends
	old := w.Daemon
	w.clock.SetTime(t0.Add(time.Minute + 5*time.Second))
	w.restart()
	undoing := make(chan struct{})
	w.Recover = func(context.Context, string) (int, error) { <-undoing; return 1, nil }
	if err := w.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.tick(t.Context())
	if err := w.Ready(); err == nil {
		t.Error("ready while what was left is being undone")
	}
	const interrupted = "10:01 interrupted the process that ran it has ended in the middle of it"
	w.at(t0.Add(2 * time.Minute))
	w.want(interrupted) // and 10:02 waits
	close(undoing)
	w.settle()
	if err := w.Ready(); err != nil {
		t.Error(err)
	}
	close(w.hold)
	w.tick(t.Context())
	w.settle()
	w.want(interrupted, "10:02 ran healed")
	(<-old.done)() // its end is too late to be written down
	if got := w.firings()[0]; !strings.HasPrefix(got, "10:01 interrupted") {
		t.Errorf("%s", got)
	}
}

func TestRestoreAndRecreate(t *testing.T) {
	for verdict, want := range map[chaos.Verdict]int{chaos.Healed: 1, chaos.NotHealed: 2} {
		w := newWorld(t)
		w.add("a", everyMinute+"restoreBefore: true\nrecreateAfter: not-healed\n")
		w.verdicts = []chaos.Verdict{verdict}
		w.begin()
		w.pass(time.Minute, time.Minute)
		if len(w.restored) != want {
			t.Errorf("%s: restored %v, want %d times", verdict, w.restored, want)
		}
	}
	w := newWorld(t)
	w.Recreate = func(context.Context, string) error { return errors.New("no image") }
	w.add("a", everyMinute+"restoreBefore: true\n")
	w.begin()
	w.pass(time.Minute, time.Minute)
	w.want("10:01 skipped the cluster could not be restored before the run: no image")
	if len(w.runs) > 0 {
		t.Error("it was run on what was not restored")
	}
}

// serving runs the daemon's own loop until stop is called, which returns when
// it has ended.
func (w *world) serving() (stop func(), ended <-chan error) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Serve(ctx) }()
	return cancel, done
}

// stepUntil lets the loop pass, a second whenever it waits, until something
// comes.
func stepUntil[T any](w *world, something <-chan T) T {
	for {
		select {
		case t := <-something:
			return t
		case <-time.After(time.Millisecond):
			if w.clock.HasWaiters() {
				w.clock.Step(time.Second)
			}
		}
	}
}

// TestDrain: told to end, the daemon begins nothing, and the run at work ends
// by itself, or is aborted after a while.
func TestDrain(t *testing.T) {
	for name, test := range map[string]struct {
		ends bool
		want string
	}{
		"it ends in time": {true, "10:01 ran healed"},
		"it does not":     {false, "10:01 interrupted aborted interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.add("a", everyMinute)
			w.hold = make(chan struct{})
			stop, ended := w.serving()
			stepUntil(w, w.began)
			stop()
			if test.ends {
				close(w.hold)
			}
			if err := stepUntil(w, ended); err != nil {
				t.Fatal(err)
			}
			w.want(test.want)
		})
	}
}

// TestThousandSchedules: the loop looks at all of them each second.
func TestThousandSchedules(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a thousand files")
	}
	w := newWorld(t)
	w.add("s", "cron: '0 11 * * *'\n")
	record, err := w.Schedules.Load("s")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 { // without the syncs of a store
		s := &record.Schedule
		s.Name, s.Cron, s.Cluster = fmt.Sprintf("s-%d", i), fmt.Sprintf("%d %d * * *", i%60, 11+i%7), fmt.Sprintf("c-%d", i)
		data, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(schedulePath(w.home, s.Name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Schedules.Remove("s"); err != nil {
		t.Fatal(err)
	}
	w.begin()
	w.tick(t.Context())
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			w.tick(t.Context())
		}
	})
	// The loop looks once a second, or when something is due.
	look := time.Duration(result.NsPerOp())
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("1000 schedules: a look takes %s and %d bytes, so %.2f %% of a CPU; the heap holds %d KiB",
		look, result.AllocedBytesPerOp(), 100*look.Seconds()/poll.Seconds(), memory.HeapAlloc/1024)
	w.pass(90*time.Minute, time.Minute)
	all, err := w.db.Firings(t.Context(), history.FiringQuery{})
	if err != nil || len(all) != len(w.runs) || len(all) != 75 {
		t.Errorf("%d firings, %d runs, %v", len(all), len(w.runs), err)
	}
}
