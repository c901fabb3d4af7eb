package chaos

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"axolotl/chaos/history"
)

// Verdict is how a run ended.
type Verdict string

// The verdicts.
const (
	Healed     Verdict = "healed"      // all was well again within the deadline
	HealedLate Verdict = "healed-late" // all was well again, after it
	NotHealed  Verdict = "not-healed"  // it was not while the run watched
	NoEffect   Verdict = "no-effect"   // the fault did not take, so nothing is shown
	Refused    Verdict = "refused"     // a guard forbade it; nothing was touched
	Skipped    Verdict = "skipped"     // this cluster cannot give what it needs
	Aborted    Verdict = "aborted"     // interrupted, or an error ended it; undone
	Blocked    Verdict = "blocked"     // a disruption budget kept the fault from happening
	UndoFailed Verdict = "undo-failed" // something that the run did is still there
)

// What stands in the place of a verdict in reports of runs that have none, not
// yet or not any more; no run ends with one.
const (
	Running     Verdict = history.RunRunning
	Interrupted Verdict = history.RunInterrupted
)

// verdicts has each verdict's exit code and what it says.
var verdicts = []struct {
	Verdict Verdict
	Code    int
	Meaning string
}{
	{Healed, 0, "all was well again within the deadline"},
	{Skipped, 3, "this cluster cannot give what the experiment needs; nothing was shown"},
	{HealedLate, 10, "all was well again, but after the deadline"},
	{NotHealed, 11, "it did not heal while the run watched (twice the deadline)"},
	{NoEffect, 12, "the fault did not take effect, so nothing was shown"},
	{Refused, 13, "a guard refused; the fault was not injected"},
	{Aborted, 14, "interrupted, or ended by an error; what was done is undone"},
	{UndoFailed, 15, "something of the run is still there; 'axolotl chaos undo' goes on"},
	{Blocked, 16, "a disruption budget, which is named, kept the fault from happening; undone"},
}

// ExitCode is the exit code of a verdict.
func (v Verdict) ExitCode() int {
	for _, row := range verdicts {
		if row.Verdict == v {
			return row.Code
		}
	}
	return 1
}

// Passed tells whether the verdict is what one hopes for.
func (v Verdict) Passed() bool { return v == Healed }

// Expectable are the verdicts that an experiment may want to end with.
var Expectable = []Verdict{Healed, HealedLate, NotHealed, Blocked, Refused}

// VerdictTable is the table of verdicts and exit codes, for help texts.
func VerdictTable() string {
	text := ""
	for _, row := range verdicts {
		text += fmt.Sprintf("  %3d  %-12s %s\n", row.Code, row.Verdict, row.Meaning)
	}
	return text
}

// SkipError says why this cluster cannot give what an experiment needs.
type SkipError struct{ Reason string }

func (e *SkipError) Error() string { return e.Reason }

// Refusal is a guard's no.
type Refusal struct {
	Guard  string `json:"guard"`
	Reason string `json:"reason"`
	// Remedy is what would satisfy the guard.
	Remedy string `json:"remedy"`
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("guard %q refuses: %s; %s", r.Guard, r.Reason, r.Remedy)
}

// VerdictError is the error of a run that did not end as one hopes, with the
// verdict's exit code.
type VerdictError struct {
	Verdict Verdict
	Reason  string

	code int // where it is not the verdict's
}

func (e *VerdictError) Error() string { return fmt.Sprintf("%s: %s", e.Verdict, e.Reason) }

// ExitCode is the verdict's, or another one where the verdict is a good one that
// was not wanted.
func (e *VerdictError) ExitCode() int { return cmp.Or(e.code, e.Verdict.ExitCode()) }

// exitUnexpected is the exit code of a run that healed where its experiment
// wanted another verdict.
const exitUnexpected = 1

// Passed tells whether the run ended as its experiment wants it to.
func (p *Report) Passed() bool { return p.Verdict == cmp.Or(p.Expected, Healed) }

// Err is nil where the run ended as its experiment wants it to, else a
// *VerdictError.
func (p *Report) Err() error {
	if p.Passed() {
		return nil
	}
	return &VerdictError{Verdict: p.Verdict, Reason: p.Reason, code: p.ExitCode}
}

// weigh sets the exit code, and adds to the reason what was wanted.
func (p *Report) weigh() {
	p.ExitCode = p.Verdict.ExitCode()
	switch {
	case p.Passed():
		p.ExitCode = 0
	case p.Verdict.Passed():
		p.ExitCode = exitUnexpected
	}
	if p.Expected != "" && !p.Passed() {
		p.Reason = strings.TrimPrefix(p.Reason+"; the experiment expects "+string(p.Expected), "; ")
	}
}

// Coded gives a refusal, or the reason for a skip, the exit code that a run
// would have had.
func Coded(err error) error {
	var refusal *Refusal
	var skip *SkipError
	switch {
	case errors.As(err, &refusal):
		return &VerdictError{Verdict: Refused, Reason: refusal.Error()}
	case errors.As(err, &skip):
		return &VerdictError{Verdict: Skipped, Reason: skip.Reason}
	}
	return err
}

// Verdicts are all verdicts.
func Verdicts() []Verdict {
	var all []Verdict
	for _, row := range verdicts {
		all = append(all, row.Verdict)
	}
	return all
}
