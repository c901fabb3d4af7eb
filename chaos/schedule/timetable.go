package schedule

import (
	"math/rand/v2"
	"strings"
	"time"
)

// Defaults of a schedule.
const (
	// DefaultDeadline is how late a firing may start.
	DefaultDeadline = time.Minute
	// DefaultQueueDeadline is the same where firings wait for each other.
	DefaultQueueDeadline = time.Hour
)

// horizon is how far ahead a firing is looked for, as far as the library looks.
const horizon = 5 * 366 * 24 * time.Hour

// Firing is one run that a schedule asks for.
type Firing struct {
	Due   time.Time // by the expression; what it is known by
	Start time.Time // the same and its jitter
	// Quiet are the quiet times that it falls into, in words; it is skipped.
	Quiet string
}

// Timetable computes the firings of one schedule. It is a pure function of the
// schedule and the moment at which that was added: whoever asks, whenever, is
// given the same firings.
type Timetable struct {
	ticker   ticker
	zone     *time.Location
	window   []Span
	quiet    []Span
	jitter   time.Duration
	seed     uint64
	expires  time.Time // zero: never
	deadline time.Duration
	choices  int
}

// Zone is the schedule's time zone.
func (k *Timetable) Zone() *time.Location { return k.zone }

// Deadline is how late a firing may start.
func (k *Timetable) Deadline() time.Duration { return k.deadline }

// After is the first firing that is due after t, quiet ones too; false: there
// is none any more.
func (k *Timetable) After(t time.Time) (Firing, bool) {
	limit := t.Add(horizon)
	for {
		due := k.ticker.next(t)
		if due.IsZero() || due.After(limit) || !k.expires.IsZero() && due.After(k.expires) {
			return Firing{}, false
		}
		if open(k.window, due) {
			return k.firing(due), true
		}
		// NOTE: not due by due: an expression of every second would take
		// minutes over a week outside its window.
		t = edge(k.window, due).Add(-1)
	}
}

// Next are the next firings after t that are run, at most n; with all also
// those that fall into quiet times.
func (k *Timetable) Next(t time.Time, n int, all bool) []Firing {
	var firings []Firing
	for len(firings) < n {
		f, ok := k.After(t)
		if !ok {
			break
		}
		t = f.Due
		switch {
		case all || f.Quiet == "":
			firings = append(firings, f)
		default:
			t = edge(k.quiet, f.Due).Add(-1)
		}
	}
	return firings
}

func (k *Timetable) firing(due time.Time) Firing {
	f := Firing{Due: due, Start: due, Quiet: k.quietAt(due)}
	if k.jitter <= 0 || f.Quiet != "" {
		return f
	}
	start := due.Add(time.Duration(k.random(due, streamJitter).Int64N(int64(k.jitter)))).Truncate(time.Second)
	if open(k.window, start) && k.quietAt(start) == "" && start.After(due) {
		f.Start = start
	}
	return f
}

// Choice is what the firing that is due then runs: one of the experiments, by
// its index, and the seed of the run.
func (k *Timetable) Choice(due time.Time) (experiment int, seed uint64) {
	r := k.random(due, streamChoice)
	// 32 bits, as runs make them up: they are typed again.
	return r.IntN(k.choices), uint64(r.Uint32N(1<<32-1)) + 1
}

// The streams of random numbers, so that a jitter that is set changes no
// choice.
const (
	streamJitter = 1
	streamChoice = 2
)

func (k *Timetable) random(due time.Time, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(k.seed^stream<<32, uint64(due.Unix())))
}

func (k *Timetable) quietAt(t time.Time) string {
	for _, s := range k.quiet {
		if s.Contains(t.In(k.zone)) {
			return strings.TrimSpace("quiet times " + s.String())
		}
	}
	return ""
}

// open tells whether an instant is in a window; none is always open.
func open(window []Span, t time.Time) bool {
	for _, s := range window {
		if s.Contains(t) {
			return true
		}
	}
	return len(window) == 0
}

// edge is the first instant after t at which a span may begin or end.
func edge(spans []Span, t time.Time) time.Time {
	wall := asUTC(t)
	midnight := time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
	first := onClock(midnight.AddDate(0, 0, 1), t.Location())
	for _, s := range spans {
		from, to := s.hours()
		for _, c := range []Clock{from, to} {
			at := onClock(midnight.Add(time.Duration(c)*time.Minute), t.Location())
			if at.After(t) && at.Before(first) {
				first = at
			}
		}
	}
	return first
}
