package labs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"axolotl/chaos"
	"axolotl/chaos/fault"
)

// Foreseen is what a step of a guided lab breaks, on what, and what that was like
// before. The learner may do it by hand, of which nobody hears: it is known then how
// it is undone.
type Foreseen struct {
	Step    string         `json:"step"`
	Fault   fault.Spec     `json:"fault"`
	Objects []fault.Object `json:"objects"`
}

// foresee notes what the step under way would break, of nodes and of the cluster's
// DNS: what is in the lab's namespaces goes with them. It is a help where it can be
// had: a step is not refused for what is not there to be broken yet.
func (s *session) foresee(ctx context.Context, step *Step) {
	for _, action := range step.Do {
		a, err := expandAll(action, s.variables)
		if err != nil {
			continue
		}
		f, targets, err := a.strikes(ctx, s)
		if err != nil || f == nil || f.Available(ctx, s.handle) != nil {
			continue
		}
		spec, err := fault.SpecOf(f)
		if err != nil {
			continue
		}
		objects, err := f.Prepare(ctx, s.handle, targets)
		if err != nil { // it may be broken already, of which the undo needs not know
			objects = nil
			for _, target := range targets {
				objects = append(objects, fault.Object{Target: target})
			}
		}
		s.foreseen = append(s.foreseen, Foreseen{Step: step.Name, Fault: spec, Objects: objects})
	}
}

// strikes are the fault by which an action breaks what outlives the lab's namespaces,
// and on what; nil where it does not.
func (a Action) strikes(ctx context.Context, s *session) (fault.Fault, []fault.Target, error) {
	switch {
	case a.Machine != nil:
		return a.Machine.strikes()
	case a.Break == nil:
		return nil, nil, nil
	}
	if effect := a.Break.fault.Effect(); effect.On != fault.OnNodes && effect.Role != fault.RoleDNS {
		return nil, nil, nil
	}
	f, err := a.Break.filledIn(s.variables)
	if err != nil {
		return nil, nil, err
	}
	targets, err := a.Break.targets(ctx, s)
	return f, targets, err
}

// strikes are what a deed to a machine is as a fault; nil where it breaks nothing.
func (m *Machine) strikes() (fault.Fault, []fault.Target, error) {
	on := []fault.Target{{Kind: fault.OnNodes, Name: m.Name}}
	switch m.Do {
	case MachineOff, MachineRemove:
		return &fault.PowerCut{}, on, nil
	case MachineWipe:
		f, err := fault.New(machineRuined)
		return f, on, err
	}
	return nil, nil, nil
}

// mendForeseen undoes what was foreseen of which which tells, the last first: whether
// it was done is not known, and what was not done is undone.
func (s *session) mendForeseen(ctx context.Context, which func(*Foreseen) bool) error {
	var errs []error
	for i := len(s.foreseen) - 1; i >= 0; i-- {
		foreseen := &s.foreseen[i]
		if !which(foreseen) {
			continue
		}
		f, err := foreseen.Fault.Fault()
		if err == nil {
			err = chaos.UndoOf(ctx, s.handle, f, foreseen.Objects)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("undo %s, as which step %q may have been done by hand: %w", foreseen.Fault.Name, foreseen.Step, err))
		}
	}
	return errors.Join(errs...)
}

// mendStep undoes what was broken in a step, by the lab or by hand, and forgets what
// was foreseen of it.
func (s *session) mendStep(ctx context.Context, step string) error {
	ofStep := func(f *Foreseen) bool { return f.Step == step }
	err := errors.Join(
		s.mendThose(ctx, func(struck *Struck) bool { return struck.Step == step }),
		s.mendForeseen(ctx, ofStep),
	)
	if err == nil {
		s.foreseen = slices.DeleteFunc(s.foreseen, func(f Foreseen) bool { return ofStep(&f) })
	}
	return err
}
