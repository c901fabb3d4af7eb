package labs

import (
	"errors"
	"fmt"
	"io/fs"

	"axolotl/vm"
)

// ResumeGuide returns the lab that is under way on a cluster; the error is
// ErrNoGuide where there is none.
func ResumeGuide(h *vm.Handle, o Options) (*Guide, error) {
	lock, err := lockGuide(h)
	if err != nil {
		return nil, err
	}
	var state guideState
	err = readGuide(h, &state)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; %s", ErrNoGuide, typed(h.Cluster, "start one with: axolotl lab start NAME"))
	}
	var lab *Lab
	if err == nil {
		lab, err = Parse(state.File, []byte(state.Source))
	}
	if err == nil && lab.Draw > 0 {
		lab = lab.with(state.Drawn)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	o.setDefaults()
	if o.Language == "" {
		o.Language = state.Language
	}
	s := newSession(h, lab, o.Now)
	s.resume(state.ID)
	s.variables, s.struck, s.foreseen = state.Variables, state.Struck, state.Foreseen
	s.addons, s.nodes, s.guided = state.Addons, state.Nodes, true
	return &Guide{Lab: lab, runner: &runner{Options: o, session: s, lab: lab}, state: state, lock: lock}, nil
}
