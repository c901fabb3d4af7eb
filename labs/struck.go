package labs

import (
	"context"
	"errors"
	"slices"

	"axolotl/chaos"
	"axolotl/chaos/fault"
)

// Struck is a fault that a session has injected and not undone yet. It is in
// the journal of the cluster since before it was: where the lab is killed, the
// next start undoes it.
type Struck struct {
	ID    string `json:"id"` // in the cluster's journal
	Fault string `json:"fault"`
	Step  string `json:"step,omitempty"` // of a guided lab, that was under way

	// Machine is set where the lab switched this one off or ruined it, which is
	// no fault that it speaks of.
	Machine string `json:"machine,omitempty"`

	held *chaos.Stroke // by this process; nil for one that another began
}

// strike injects a fault and notes it, also where it may have been injected
// in part.
func (s *session) strike(ctx context.Context, f fault.Fault, targets []fault.Target, machine string) error {
	stroke, err := chaos.Strike(ctx, s.handle, f, targets, "lab "+s.lab.Name, s.now)
	if stroke != nil {
		s.struck = append(s.struck, Struck{ID: stroke.ID(), Fault: f.Name(), Step: s.step, Machine: machine, held: stroke})
	}
	return err
}

// mend undoes what the session broke, by one fault or, where it is empty, by
// all, machines too; the last first.
func (s *session) mend(ctx context.Context, name string) error {
	return s.mendThose(ctx, func(struck *Struck) bool { return name == "" || struck.Fault == name && struck.Machine == "" })
}

// mendThose undoes what the session broke of which which tells; the last first.
func (s *session) mendThose(ctx context.Context, which func(*Struck) bool) error {
	var errs []error
	for i := len(s.struck) - 1; i >= 0; i-- {
		struck := &s.struck[i]
		if !which(struck) {
			continue
		}
		if err := s.mendOne(ctx, struck); err != nil {
			errs = append(errs, err)
			continue
		}
		s.struck = slices.Delete(s.struck, i, i+1)
	}
	return errors.Join(errs...)
}

// hasStruck tells whether the session broke anything of which which tells.
func (s *session) hasStruck(which func(*Struck) bool) bool {
	return slices.ContainsFunc(s.struck, func(struck Struck) bool { return which(&struck) })
}

func (s *session) mendOne(ctx context.Context, struck *Struck) error {
	if struck.held == nil {
		return chaos.Mend(ctx, s.handle, struck.ID, s.now)
	}
	err := struck.held.Mend(ctx)
	struck.held = nil // where it could not be undone it was let go of
	return err
}

// letGo leaves what the session broke as it is, to whoever comes next.
func (s *session) letGo() error {
	var errs []error
	for i := range s.struck {
		if held := s.struck[i].held; held != nil {
			errs = append(errs, held.Release())
			s.struck[i].held = nil
		}
	}
	return errors.Join(errs...)
}
