package labs

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/term"
)

// Outcome is how a lab or a step of it ended.
type Outcome string

// The outcomes.
const (
	Passed      Outcome = "passed"
	Failed      Outcome = "failed"
	Skipped     Outcome = "skipped" // the cluster lacks what the lab needs
	Interrupted Outcome = "interrupted"
	NotReached  Outcome = "not-reached" // an earlier one did not pass
)

// Result is one run of a lab. Its texts hold no control characters.
type Result struct {
	Lab       string       `json:"lab"`
	Title     string       `json:"title"`
	Cluster   string       `json:"cluster"`
	Driver    string       `json:"driver"`
	Outcome   Outcome      `json:"outcome"`
	Reason    string       `json:"reason,omitempty"` // where it, or a step of it, did not pass
	Namespace string       `json:"namespace,omitempty"`
	Kept      bool         `json:"kept,omitempty"` // the namespaces are still there
	Seed      int          `json:"seed,omitempty"` // by which the steps were drawn
	Started   time.Time    `json:"started"`
	Seconds   float64      `json:"seconds"`
	Steps     []StepResult `json:"steps,omitempty"`
}

// StepResult is one step of a run.
type StepResult struct {
	Name     string        `json:"name"`
	Outcome  Outcome       `json:"outcome"`
	Seconds  float64       `json:"seconds"`
	Checks   []CheckResult `json:"checks,omitempty"`
	Problem  *Problem      `json:"problem,omitempty"`
	Evidence []Collected   `json:"evidence,omitempty"`
}

// CheckResult is one check of a step.
type CheckResult struct {
	That    string  `json:"that"`
	Outcome Outcome `json:"outcome"`
	Seconds float64 `json:"seconds"`
}

// Problem is why a step did not pass.
type Problem struct {
	Message  string   `json:"message"`
	Expected string   `json:"expected,omitempty"`
	Seen     []string `json:"seen,omitempty"`   // what was there instead
	Events   []string `json:"events,omitempty"` // the last of the lab's namespaces, oldest first
}

// Failure is why a step could not be done, with what was collected.
type Failure struct {
	*Problem
	Evidence []Collected `json:"evidence,omitempty"`
}

// Collected is what was gathered when a step failed.
type Collected struct {
	Kind Evidence `json:"kind"`
	Text string   `json:"text"`
}

// noteSkipped says of a lab that passed how much of it was not done. One of
// which nothing was done is skipped itself.
func (r *Result) noteSkipped() {
	skipped, why := 0, ""
	for _, step := range r.Steps {
		if step.Outcome == Skipped {
			skipped++
			why = step.Problem.Message
		}
	}
	switch {
	case r.Outcome != Passed || skipped == 0:
	case skipped == len(r.Steps):
		r.Outcome, r.Reason = Skipped, why
	default:
		r.Reason = fmt.Sprintf("%d of %d steps skipped: %s", skipped, len(r.Steps), why)
	}
}

// problem tells an error's parts.
func problem(message string, err error) *Problem {
	p := &Problem{Message: term.Escape(message)}
	var unmet *check.Unmet
	var unclear *check.Unclear
	switch {
	case errors.As(err, &unmet):
		p.Expected, p.Seen = term.Escape(unmet.Expected), escapeAll(unmet.Seen)
	case errors.As(err, &unclear):
		p.Expected, p.Seen = term.Escape(unclear.Expected), escapeAll(append(slices.Clone(unclear.Seen), unclear.Err.Error()))
	case err != nil:
		p.Seen = escapeAll([]string{err.Error()})
	}
	return p
}

// lastEvents are the texts of the last events, Warnings before others: what
// went wrong is what one wants to read.
func lastEvents(events []kube.Event, limit int) []string {
	var warnings, others []kube.Event
	for _, event := range events {
		if event.Type == "Warning" {
			warnings = append(warnings, event)
		} else {
			others = append(others, event)
		}
	}
	chosen := tail(warnings, limit)
	chosen = append(tail(others, limit-len(chosen)), chosen...)
	slices.SortStableFunc(chosen, func(a, b kube.Event) int { return a.Time.Compare(b.Time) })
	texts := make([]string, len(chosen))
	for i, event := range chosen {
		texts[i] = event.String()
	}
	return escapeAll(texts)
}

func tail[T any](list []T, n int) []T {
	return slices.Clone(list[max(0, len(list)-n):])
}

func escapeAll(texts []string) []string {
	escaped := make([]string, len(texts))
	for i, text := range texts {
		escaped[i] = term.Escape(text)
	}
	return escaped
}
