package labs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"axolotl/internal/store"
	"axolotl/vm"
)

// StartGuide begins a lab on a cluster. Where one is under way, that is the
// error.
func StartGuide(ctx context.Context, h *vm.Handle, lab *Lab, o Options) (*Guide, error) {
	lock, err := lockGuide(h)
	if err != nil {
		return nil, err
	}
	g, err := startGuide(ctx, h, lab, o, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return g, nil
}

func startGuide(ctx context.Context, h *vm.Handle, lab *Lab, o Options, lock *store.Lock) (*Guide, error) {
	var underWay guideState
	switch err := readGuide(h, &underWay); {
	case err == nil:
		return nil, fmt.Errorf("lab %q is under way on this cluster; %s", underWay.File, typed(h.Cluster, "end it with: axolotl lab quit"))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	reason, err := lab.missing(ctx, h)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		return nil, fmt.Errorf("lab %q cannot be done here: %s", lab.Name, reason)
	}
	o.setDefaults()
	if err := errors.Join(o.drop(), recoverKilled(ctx, h, o.Progress, o.Now), removeLeft(ctx, h, o.Progress, o.Now)); err != nil {
		return nil, err
	}
	drawn, err := lab.drawn(ctx, h, o.Seed)
	if err != nil {
		return nil, err
	}
	state := guideState{File: lab.file, Source: lab.source, Language: o.Language, Started: o.Now(), Making: true}
	if lab.Draw > 0 {
		state.Seed = o.Seed
		for _, i := range drawn.pool() {
			state.Drawn = append(state.Drawn, drawn.Steps[i].Name)
		}
	}
	lab = drawn
	g := &Guide{
		Lab: lab, runner: &runner{Options: o, session: newSession(h, lab, o.Now), lab: lab},
		state: state, lock: lock,
	}
	s := g.runner.session
	s.guided = true
	if s.addons, err = lab.addons(ctx, h); err != nil {
		return nil, err
	}
	if lab.Exclusive() {
		if err := s.rememberNodes(ctx); err != nil {
			return nil, err
		}
	}
	// Written before anything is made: what exists can be found again.
	if err := g.save(); err != nil {
		return nil, err
	}
	if err := s.useAddons(ctx, g.runner.Progress); err != nil {
		return nil, errors.Join(err, g.end(ctx))
	}
	if len(s.addons) > 0 {
		if err := g.keep(ctx, "the lab has add-ons of its own"); err != nil {
			return nil, errors.Join(err, g.end(ctx))
		}
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, g.end(ctx))
	}
	g.state.Making = false
	return g, g.begin(ctx)
}
