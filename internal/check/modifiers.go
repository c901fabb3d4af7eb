package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"axolotl/internal/term"
)

// Not holds where another condition was looked at and does not hold. An error
// of another kind than *Unmet is passed on: what could not be looked at
// proves nothing.
func Not(c Condition) Condition { return not{c} }

type not struct{ inner Condition }

func (n not) String() string { return "not: " + n.inner.String() }

func (n not) Check(ctx context.Context) error {
	err := n.inner.Check(ctx)
	var unmet *Unmet
	switch {
	case err == nil:
		return &Unmet{Expected: n.String(), Seen: []string{"it is so"}}
	case errors.As(err, &unmet):
		return nil
	}
	return err
}

// Stays holds when another condition has held at every look for a duration.
// One look at which it does not hold starts the time anew. It sees the world
// as often as it is checked; what changes and changes back in between is not
// noticed. It is stateful: take a new one for each wait.
func Stays(c Condition, duration time.Duration, now func() time.Time) Condition {
	return &stays{inner: c, duration: duration, now: now}
}

type stays struct {
	inner    Condition
	duration time.Duration
	now      func() time.Time
	since    time.Time
}

func (s *stays) String() string { return fmt.Sprintf("%s, for %s", s.inner, s.duration) }

func (s *stays) Check(ctx context.Context) error {
	if err := s.inner.Check(ctx); err != nil {
		s.since = time.Time{}
		return err
	}
	now := s.now()
	if s.since.IsZero() {
		s.since = now
	}
	if held := now.Sub(s.since); held < s.duration {
		return &Unmet{Expected: s.String(), Seen: []string{"so for " + term.Seconds(held) + " until now"}}
	}
	return nil
}
