// Package check holds what can be waited for and what can be asserted:
// conditions, and CEL expressions over objects.
//
// It knows Kubernetes objects and nothing of labs, faults or machines.
package check

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Condition is something that becomes true. String says it in the words of a
// progress line ("node n1 is Ready"); Check returns nil where it holds now,
// else an error that says what is still missing.
type Condition interface {
	fmt.Stringer
	Check(ctx context.Context) error
}

// Func makes a condition of a name and a function.
func Func(name string, check func(ctx context.Context) error) Condition {
	return funcCondition{name, check}
}

type funcCondition struct {
	name  string
	check func(ctx context.Context) error
}

func (f funcCondition) String() string                  { return f.name }
func (f funcCondition) Check(ctx context.Context) error { return f.check(ctx) }

// Permanent marks an error that no waiting mends: Wait returns it at once.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Wait checks a condition every interval until it holds or ctx ends. Then the
// error names the condition and what was missing last; it wraps ctx's error.
// After two slow checks it waits longer, four times as long as the quicker of them
// took and at most two seconds: on an emulated machine, looking would slow down what
// is looked at.
// Each check gets at most attemptTimeout, so that one hung call is not the
// whole wait. missing, where not nil, is told what is missing after each try.
func Wait(ctx context.Context, c Condition, interval time.Duration, missing func(error)) error {
	const (
		attemptTimeout = 10 * time.Second
		slowest        = 2 * time.Second
	)
	var last error
	var before time.Duration // that the attempt before took
	for {
		start := time.Now()
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		err := c.Check(attempt)
		ranOut := attempt.Err() != nil
		cancel()
		if err == nil {
			return nil
		}
		var permanent *permanentError
		if !ranOut && errors.As(err, &permanent) { // what ran out of time says nothing of the next try
			return fmt.Errorf("%s: %w", c, permanent.err)
		}
		if ctx.Err() == nil || last == nil {
			last = err // an error that comes of the end of ctx says nothing new
		}
		if missing != nil {
			missing(last)
		}
		// One alone that was slow has waited for something to start.
		took := time.Since(start)
		pause := max(interval, min(4*took, 4*before, slowest))
		before = took
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for: %s; last seen: %v: %w", c, last, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}
