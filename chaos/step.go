package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"axolotl/chaos/fault"
	"axolotl/vm"
)

// Step is one part of an experiment that breaks several things: a fault, or
// several at once. Where it ends the next begins: when what it broke has healed.
type Step struct {
	Fault fault.Fault // nil where there is Parallel

	// Lasts is as Experiment.Lasts. A fault that is not undone by then stays in
	// while the next steps run, and is undone at the end, the last one first.
	Lasts time.Duration
	// HealWithin is as Experiment.HealWithin; 0: the experiment's.
	HealWithin time.Duration
	// After is how long the step waits, from its turn on, before it strikes.
	After time.Duration

	// Nodes, Count and Percent are as Target's; where none is set, that holds.
	Nodes   string
	Count   int
	Percent int
	// Each strikes every candidate, one after another, each when the one before
	// has healed, in an order by the seed.
	Each bool

	// Optional lets the experiment go on without the step where this cluster
	// cannot give what its fault needs.
	Optional bool

	// Parallel are steps that strike at once, each after a wait of its own, and of
	// which the last one to heal ends all.
	Parallel []Step
}

// String is the step in a few words.
func (s Step) String() string {
	if s.Fault == nil {
		var words []string
		for _, p := range s.Parallel {
			words = append(words, p.String())
		}
		return strings.Join(words, " and ")
	}
	text := s.Fault.Name()
	if s.Each {
		text += " on each in turn"
	}
	return text
}

// members are the steps that strike together.
func (s Step) members() []Step {
	if s.Fault == nil {
		return s.Parallel
	}
	return []Step{s}
}

// validate returns what is wrong with a step, at its place in the file.
func (s Step) validate(at string, inside bool) error {
	var errs []error
	wrong := func(broken bool, format string, args ...any) {
		if broken {
			errs = append(errs, fmt.Errorf(at+format, args...))
		}
	}
	alone := s
	alone.Parallel = nil
	wrong((s.Fault == nil) == (len(s.Parallel) == 0), " wants either fault or parallel")
	wrong(inside && len(s.Parallel) > 0, ".parallel stands inside another one; one is enough")
	wrong(inside && s.Each, ".each cannot be parallel to others: each waits for the one before")
	wrong(s.Fault == nil && (alone.Lasts != 0 || alone.HealWithin != 0 || alone.After != 0 || alone.Nodes != "" || alone.Count != 0 || alone.Percent != 0 || alone.Each || alone.Optional),
		" has parallel steps, which say the rest themselves")
	wrong(s.Lasts < 0 || s.HealWithin < 0 || s.After < 0, " has negative durations")
	wrong(s.Nodes != "" && s.Nodes != string(vm.Worker) && s.Nodes != string(vm.ControlPlane), ".nodes %q is unknown; use worker or control-plane", s.Nodes)
	wrong(s.Count < 0 || s.Percent < 0 || s.Percent > 100 || s.Count > 0 && s.Percent > 0, " wants count from 1, or percent from 1 to 100")
	wrong(s.Each && (s.Count > 0 || s.Percent > 0), ".each takes all, one at a time; leave out count and percent")
	for i, p := range s.Parallel {
		errs = append(errs, flatten(p.validate(fmt.Sprintf("%s.parallel[%d]", at, i), true))...)
	}
	return errors.Join(errs...)
}

// alone is the experiment that a step is, of its own.
func (e *Experiment) alone(s Step) *Experiment {
	one := *e
	one.Steps, one.Fault, one.Lasts = nil, s.Fault, s.Lasts
	one.HealWithin = cmp.Or(s.HealWithin, e.HealWithin)
	one.Target.Nodes = cmp.Or(s.Nodes, e.Target.Nodes)
	if s.Count > 0 || s.Percent > 0 {
		one.Target.Count, one.Target.Percent = s.Count, s.Percent
	}
	return &one
}

// faults are those of the experiment, in order.
func (e *Experiment) faults() []fault.Fault {
	if e.Fault != nil {
		return []fault.Fault{e.Fault}
	}
	var all []fault.Fault
	for _, s := range e.Steps {
		for _, m := range s.members() {
			all = append(all, m.Fault)
		}
	}
	return all
}

// available returns nil where what the experiment needs can be had.
func (e *Experiment) available(ctx context.Context, h *vm.Handle) error {
	if e.Fault != nil {
		return e.Fault.Available(ctx, h)
	}
	for i, s := range e.Steps {
		for _, m := range s.members() {
			if err := m.Fault.Available(ctx, h); err != nil && !m.Optional {
				return fmt.Errorf("step %d: %w", i+1, err)
			}
		}
	}
	return nil
}

// deed is what the experiment does, in the fewest words.
func (e *Experiment) deed() string {
	if e.Fault != nil {
		return e.Fault.Name()
	}
	return fmt.Sprintf("%d steps", len(e.Steps))
}
