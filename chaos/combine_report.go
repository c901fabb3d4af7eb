package chaos

import (
	"fmt"
	"slices"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/timeline"
)

// StepReport is one step of a combined run. Its phases count from its own
// fault, At says where that stands in the run.
type StepReport struct {
	Step    int            `json:"step"` // from 1; those of parallel steps, and of each candidate, are the same
	Fault   fault.Spec     `json:"fault"`
	Targets []fault.Target `json:"targets,omitempty"`
	Proof   string         `json:"proof,omitempty"`

	At    *time.Duration `json:"atNs,omitempty"`    // of its fault, from the first one on; nil: it was not injected
	Until *time.Duration `json:"untilNs,omitempty"` // when its fault was over, or its undo seen

	// Verdict is empty where the run ended before the step had one.
	Verdict     Verdict        `json:"verdict,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	HealedAfter *time.Duration `json:"healedAfterNs,omitempty"`
	HealWithin  time.Duration  `json:"healWithinNs"`

	Recovered

	Undo      string `json:"undo,omitempty"`
	UndoError string `json:"undoError,omitempty"`
}

// stepReports are those of a combined run.
func (r *run) stepReports() []StepReport {
	var all []StepReport
	for _, p := range r.parts {
		all = append(all, p.report(r.fault.At))
	}
	return all
}

// report tells of a part; zero is when the run's first fault struck.
func (p *part) report(zero time.Duration) StepReport {
	s := StepReport{
		Step: p.stage, Targets: namesOf(p.targets), Proof: p.proof, Verdict: p.verdict, Reason: p.reason,
		HealedAfter: p.healed, HealWithin: p.experiment.HealWithin, Undo: p.undone,
	}
	s.Fault, _ = fault.SpecOf(p.experiment.Fault) // it went into the journal so
	if p.undoErr != nil {
		s.UndoError = p.undoErr.Error()
	}
	if !p.injected {
		return s
	}
	at := p.run.fault.At - zero
	s.At = &at
	if until := p.lasted(); until > 0 {
		until -= zero
		s.Until = &until
	}
	s.Recovered = p.recovered()
	return s
}

// lasted is until when the fault was in, on the clock of the log; 0: not known.
func (p *part) lasted() time.Duration {
	if p.overAt > 0 {
		return p.overAt
	}
	return p.undoAt
}

// judgeSteps gives a combined run that has healed the verdict of the step that
// took longest over its deadline, where any did.
func (p *Report) judgeSteps() {
	if len(p.Steps) == 0 || p.Verdict != Healed && p.Verdict != HealedLate {
		return
	}
	p.Verdict, p.Reason = Healed, ""
	if i := slices.IndexFunc(p.Steps, func(s StepReport) bool { return s.Verdict == HealedLate }); i >= 0 {
		p.Verdict, p.Reason = HealedLate, fmt.Sprintf("step %d, %s: %s", p.Steps[i].Step, p.Steps[i].Fault.Name, p.Steps[i].Reason)
	}
}

// allPods and allNodes are those of the run and of its steps.
func (p *Report) allPods() []timeline.Recovery {
	all := slices.Clone(p.Pods)
	for _, s := range p.Steps {
		all = append(all, s.Pods...)
	}
	return all
}

func (p *Report) allNodes() []timeline.NodeRecovery {
	all := slices.Clone(p.Nodes)
	for _, s := range p.Steps {
		all = append(all, s.Nodes...)
	}
	return all
}
