package check

import (
	"fmt"
	"strings"
)

// Unmet is the error of a condition that was looked at and does not hold.
// Only this is what Not turns into success; an API server that does not
// answer, or an expression that cannot be evaluated, proves nothing.
type Unmet struct {
	Expected string
	Seen     []string // what was there instead, one fact a line
}

// Error is "expected …; seen: …".
func (e *Unmet) Error() string { return expectedSeen(e.Expected, e.Seen) }

// Unclear is the error of an expression that is neither true nor false on
// what was there, as a rule because a field is not there (yet).
type Unclear struct {
	Expected string
	Seen     []string
	Err      error
}

// Error is "expected …; seen: …; reason".
func (e *Unclear) Error() string {
	return fmt.Sprintf("%s; %v", expectedSeen(e.Expected, e.Seen), e.Err)
}

// Unwrap returns the reason.
func (e *Unclear) Unwrap() error { return e.Err }

func expectedSeen(expected string, seen []string) string {
	text := "expected " + expected
	if len(seen) > 0 {
		text += "; seen: " + strings.Join(seen, ", ")
	}
	return text
}
