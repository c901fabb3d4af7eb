package timeline

import (
	"slices"
	"sync"
	"time"
)

// Log is the one list of a run's observations and the clock that stamps them.
// It is safe for concurrent use.
type Log struct {
	now   func() time.Time
	start time.Time

	mu      sync.Mutex
	entries []Observation
	changed chan struct{}
}

// NewLog starts a run's clock. now must carry the monotonic reading, as
// time.Now does: then a step of the host's wall clock changes no stamp.
func NewLog(now func() time.Time) *Log {
	return &Log{now: now, start: now(), changed: make(chan struct{}, 1)}
}

// Now is the time since the start of the run.
func (l *Log) Now() time.Duration { return l.now().Sub(l.start) }

// At is the stamp of an instant that was read from the same clock.
func (l *Log) At(t time.Time) time.Duration { return t.Sub(l.start) }

// Add stamps observations with the present instant and keeps them, each a
// nanosecond after the one before it at least.
func (l *Log) Add(observations ...Observation) {
	l.mu.Lock()
	for _, o := range observations {
		o.At = l.Now()
		if n := len(l.entries); n > 0 && o.At <= l.entries[n-1].At {
			o.At = l.entries[n-1].At + 1
		}
		l.entries = append(l.entries, o)
	}
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default: // whoever waits has not yet taken note of the change before
	}
}

// Entries returns what was seen so far, oldest first.
func (l *Log) Entries() []Observation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Changed receives after something was added. It is for one reader.
func (l *Log) Changed() <-chan struct{} { return l.changed }

// Tail returns what was added after the first n observations.
func (l *Log) Tail(n int) []Observation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries[min(n, len(l.entries)):])
}
