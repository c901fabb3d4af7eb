package labs

import (
	"errors"
	"fmt"
	"io/fs"

	"axolotl/vm"
)

// ResumeGuide returns the lab that is under way on a cluster, and keeps others from it
// until Close; the error is ErrNoGuide where there is none.
func ResumeGuide(h *vm.Handle, o Options) (*Guide, error) {
	lock, err := lockGuide(h)
	if err != nil {
		return nil, err
	}
	g, err := SeeGuide(h, o)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	g.lock = lock
	return g, nil
}

// SeeGuide returns the lab that is under way on a cluster as ResumeGuide does, to look
// at only: others go on with it meanwhile, and nothing of it can be changed.
func SeeGuide(h *vm.Handle, o Options) (*Guide, error) {
	var state guideState
	err := readGuide(h, &state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; %s", ErrNoGuide, typed(h.Cluster, "start one with: axolotl lab start NAME"))
	}
	if err != nil {
		return nil, err
	}
	lab, err := Parse(state.File, []byte(state.Source))
	if err != nil {
		return nil, err
	}
	if lab.Draw > 0 {
		lab = lab.with(state.Drawn)
	}
	o.setDefaults()
	if o.Language == "" {
		o.Language = state.Language
	}
	s := newSession(h, lab, o.Now)
	s.resume(state.ID)
	s.variables, s.struck, s.foreseen = state.Variables, state.Struck, state.Foreseen
	s.addons, s.nodes, s.guided = state.Addons, state.Nodes, true
	return &Guide{Lab: lab, runner: &runner{Options: o, session: s, lab: lab}, state: state}, nil
}
