package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"axolotl/chaos/fault"
	"axolotl/internal/term"
)

// chooseParts chooses the targets of a combined experiment, step by step as its run
// would, and asks the guards of each, as though what the steps before broke had
// healed.
func (r *run) chooseParts(ctx context.Context, step *term.Step) error {
	defer func() {
		for _, p := range r.parts {
			p.unlock()
		}
	}()
	if err := r.inTurn(ctx, func(parts []*part) error { return r.chooseTogether(ctx, parts, step) }); err != nil {
		return err
	}
	step.Status("%d", len(r.plannedTargets()))
	return nil
}

// chooseTogether chooses for parts that strike at once.
func (r *run) chooseTogether(ctx context.Context, parts []*part, step *term.Step) error {
	for _, p := range parts {
		if err := p.choose(ctx, step); err != nil {
			return err
		}
	}
	for _, p := range parts {
		p.settled, p.over = true, p.experiment.Lasts > 0 || p.experiment.Fault.Effect().Takes == fault.TakesBoots
		p.handOver()
	}
	return nil
}

// plannedTargets are those of the run, or of all its parts, in order.
func (r *run) plannedTargets() []fault.Object {
	all := slices.Clone(r.targets)
	for _, p := range r.parts {
		all = append(all, p.targets...)
	}
	return all
}

// planParts tells the steps of a combined experiment.
func (r *run) planParts(add func(format string, args ...any)) {
	for i, s := range r.experiment.Steps {
		var known []*part
		for _, p := range r.parts {
			if p.stage == i+1 {
				known = append(known, p)
			}
		}
		for n, m := range s.members() {
			with := ""
			if n > 0 {
				with = "with it, "
			}
			if m.After > 0 {
				with += fmt.Sprintf("after %s, ", m.After)
			}
			for _, what := range r.planTargets(i+1, n, m, known) {
				add("step %d: %swrite the journal, inject %s into %s: %s", i+1, with, m.Fault.Name(), what, m.Fault.Doc().Does)
			}
			if m.Lasts > 0 {
				add("undo it after %s: %s", m.Lasts, m.Fault.Doc().Undone)
			}
			if m.Optional {
				add("without this where it cannot be had")
			}
		}
		var deadlines []string
		for _, m := range s.members() {
			of := fmt.Sprintf("healed within %s", r.experiment.alone(m).HealWithin)
			if len(s.Parallel) > 0 {
				of = m.Fault.Name() + " " + of
			}
			deadlines = append(deadlines, of)
		}
		add("watch until all is well (%s)", strings.Join(deadlines, ", "))
	}
	add("undo all that is left, the last first, and prove it")
}

// planTargets names what a member of a step strikes: each target where they are
// chosen, of the parts of its step that are known; else how many, and how.
func (r *run) planTargets(number, member int, m Step, known []*part) []string {
	if !m.Each {
		known = known[min(member, len(known)):min(member+1, len(known))]
	}
	later := ""
	if number > 1 && !r.injected {
		later = " (of what is there now, which the steps before may change)"
	}
	var all []string
	for _, p := range known {
		for _, o := range p.targets {
			all = append(all, o.String()+later)
		}
	}
	switch {
	case len(all) > 0:
		return all
	case m.Each:
		return []string{"each " + m.Fault.Effect().On + " in turn, in an order by the seed"}
	}
	return []string{amount(r.experiment.alone(m).Target, m.Fault.Effect().On) + ", chosen by the seed when its turn comes"}
}
