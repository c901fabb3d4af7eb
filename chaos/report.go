package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/observe"
	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
	"axolotl/internal/term"
	"axolotl/vm"
)

// APIVersion and Kind mark the JSON form of reports. Within a version fields
// are only added. Fields that end in Ns are nanoseconds, so that phases add up
// exactly; instants count from the fault.
const (
	APIVersion = "axolotl.dev/v1"
	Kind       = "ChaosReport"
)

// Report is what a run has shown.
type Report struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	ID         string `json:"id"`
	Experiment string `json:"experiment"`
	Cluster    string `json:"cluster"`
	Driver     string `json:"driver"`

	// Simulated: the pods only seemed to run, so that times from "scheduled"
	// on say nothing about a real node.
	Simulated bool `json:"simulated"`

	Started time.Time     `json:"started"`
	Took    time.Duration `json:"tookNs"`
	Seed    uint64        `json:"seed"`

	Verdict  Verdict  `json:"verdict"`
	Expected Verdict  `json:"expected,omitempty"` // by the experiment, where that is not healed
	ExitCode int      `json:"exitCode"`
	Reason   string   `json:"reason,omitempty"`
	Refusal  *Refusal `json:"refusal,omitempty"`

	// File is the experiment with this seed, as 'chaos replay' runs it again.
	File string `json:"file,omitempty"`

	Plan  *Plan  `json:"plan,omitempty"`
	Proof string `json:"proof,omitempty"` // that the fault took effect

	// HealedAfter is when the last thing was well again; nil: it was not.
	HealedAfter *time.Duration `json:"healedAfterNs,omitempty"`
	HealWithin  time.Duration  `json:"healWithinNs"`

	Recovered
	Steps   []StepReport   `json:"steps,omitempty"` // of a combined experiment
	Score   *Score         `json:"score,omitempty"` // of that
	Client  *probe.Summary `json:"client,omitempty"`
	Outages []Span         `json:"outages,omitempty"` // when the client's requests failed
	// PathStruck is the machine through which the client looked, where it was struck: the
	// outages are not the service's alone.
	PathStruck string        `json:"pathStruck,omitempty"`
	Notes      []Note        `json:"notes,omitempty"` // events that the cluster wrote
	Gaps       []observe.Gap `json:"gaps,omitempty"`  // when a watch was down

	Undo      string `json:"undo,omitempty"` // how the undo was proved
	UndoError string `json:"undoError,omitempty"`

	told bool // it was told to end, and so are those that would come after it

	// Raw is what the figures were made of, where it was asked for.
	Raw *Raw `json:"raw,omitempty"`
}

// Span is a time, from the fault on.
type Span struct {
	From time.Duration `json:"fromNs"`
	To   time.Duration `json:"toNs"`
}

// Note is an event with its instant.
type Note struct {
	At time.Duration `json:"atNs"`
	timeline.Note
}

// outline is what of the report is known before the run has ended.
func (r *run) outline() *Report {
	report := &Report{
		APIVersion: APIVersion, Kind: Kind, ID: r.id, Experiment: r.experiment.Name,
		Cluster: r.home.Name, Driver: r.handle.Driver.Name(), Simulated: r.simulated(),
		Started: r.started, Seed: r.seed, HealWithin: r.experiment.HealWithin,
	}
	if e := r.experiment.Expect; e != Healed {
		report.Expected = e
	}
	if plan, err := r.plan(); err == nil {
		report.Plan = plan
	}
	again := *r.experiment
	again.Seed = r.seed
	if file, err := again.File(); err == nil {
		report.File = file
	}
	return report
}

// conclude makes the report and records it.
func (r *run) conclude(ctx context.Context, failed error) *Report {
	report := r.outline()
	report.Took = r.now().Sub(r.started)
	report.Proof, report.HealedAfter, report.Undo = r.proof, r.healed, r.undone
	report.Steps = r.stepReports()
	for _, s := range report.Steps {
		if s.HealedAfter != nil && r.healed != nil && *s.HealedAfter == *r.healed {
			report.HealWithin = s.HealWithin // what the slowest one was asked for
		}
	}
	report.judge(failed, r.relapse, r.undoErr)
	report.judgeSteps()
	report.weigh()
	var requests []probe.Request
	if r.client != nil {
		requests = r.client.Requests()
	}
	if r.injected {
		r.tell(report, requests)
	}
	report.Raw = r.raw(requests)
	if report.Raw != nil {
		report.Score = report.score(report.Raw.Requests)
	}
	if err := r.keep(ctx, report); err != nil {
		report.Reason = strings.TrimPrefix(report.Reason+"; the report could not be stored: "+err.Error(), "; ")
	}
	report.Raw = nil // it is in the history, and much
	return report
}

// judge sets the verdict. An undo that failed outweighs all else: it is what
// somebody must act upon.
func (p *Report) judge(failed, relapse, undo error) {
	var refusal *Refusal
	var skip *SkipError
	var blocked *fault.BlockedError
	var gone *vm.GoneError
	switch {
	case errors.As(errors.Join(failed, relapse), &gone):
		p.Verdict, p.Reason = Aborted, gone.Error()
	case errors.Is(failed, errTold):
		p.Verdict, p.Reason, p.told = Aborted, errTold.Error(), true
	case errors.Is(failed, errInterrupted):
		p.Verdict, p.Reason = Aborted, errInterrupted.Error()
	case errors.As(failed, &refusal):
		p.Verdict, p.Reason, p.Refusal = Refused, refusal.Error(), refusal
	case errors.As(failed, &skip):
		p.Verdict, p.Reason = Skipped, skip.Reason
	case errors.Is(failed, errNoEffect), errors.Is(failed, fault.ErrNoTarget):
		p.Verdict, p.Reason = NoEffect, failed.Error()
	case errors.As(failed, &blocked):
		p.Verdict, p.Reason = Blocked, blocked.Error()
	case errors.Is(failed, errNotHealed):
		p.Verdict, p.Reason = NotHealed, failed.Error()
	case failed != nil:
		p.Verdict, p.Reason = Aborted, failed.Error()
	case relapse != nil:
		p.Verdict, p.Reason = NotHealed, relapse.Error()
	case *p.HealedAfter > p.HealWithin:
		p.Verdict = HealedLate
		p.Reason = fmt.Sprintf("healed after %s, asked for %s", term.Seconds(*p.HealedAfter), p.HealWithin)
	default:
		p.Verdict = Healed
	}
	if undo != nil {
		p.Verdict, p.UndoError = UndoFailed, undo.Error()
		p.Reason = strings.TrimPrefix(fmt.Sprintf("%s; the undo failed: %v; what it needs is kept: finish it with %s", p.Reason, undo, p.undoCommand()), "; ")
	}
}

// undoCommand is what goes on with an undo.
func (p *Report) undoCommand() string {
	if p.Cluster == "" {
		return "'axolotl chaos undo'"
	}
	return fmt.Sprintf("'axolotl chaos undo --cluster %s'", p.Cluster)
}

// tell adds what was seen since the fault.
func (r *run) tell(report *Report, requests []probe.Request) {
	entries := r.log.Entries()
	report.Recovered = r.recovered()
	for _, o := range entries {
		if o.Note != nil && o.At >= r.fault.At {
			report.Notes = append(report.Notes, Note{At: o.At - r.fault.At, Note: *o.Note})
		}
	}
	if r.observer != nil {
		for _, g := range r.observer.Gaps() {
			report.Gaps = append(report.Gaps, observe.Gap{Kind: g.Kind, From: g.From - r.fault.At, To: g.To - r.fault.At})
		}
	}
	if r.client != nil {
		summary := probe.Summarize(r.client.settings, requests, r.struck, r.ended)
		report.Client = &summary
		report.PathStruck = r.pathStruck()
		report.Outages = outages(requests, r.struck, r.client.settings)
	}
}

// outages joins failed requests to spans: each lasts until the next request
// was sent.
func outages(requests []probe.Request, from time.Time, s probe.Settings) []Span {
	slices.SortFunc(requests, func(a, b probe.Request) int { return a.Sent.Compare(b.Sent) })
	var spans []Span
	for _, q := range requests {
		at := q.Sent.Sub(from)
		if q.Fail == "" || at < 0 {
			continue
		}
		end := at + s.Interval
		if s.Loop == probe.Closed {
			end += q.Took
		}
		if n := len(spans); n > 0 && at <= spans[n-1].To+s.Interval/2 {
			spans[n-1].To = end
			continue
		}
		spans = append(spans, Span{From: at, To: end})
	}
	return spans
}
