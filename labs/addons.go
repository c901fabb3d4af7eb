package labs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/addon"
)

// addons are those that the lab uses on a cluster: its own, and those of the
// steps that can be done there.
func (l *Lab) addons(ctx context.Context, h *vm.Handle) ([]string, error) {
	all := l.Needs
	for _, step := range l.Steps {
		reason, err := step.Needs.missing(ctx, h)
		if err != nil {
			return nil, err
		}
		if reason == "" {
			all = all.with(step.Needs)
		}
	}
	var names []string
	for _, name := range all.Addons {
		names = append(names, string(name))
	}
	return names, nil
}

// useAddons installs what is missing of the session's add-ons, each as a line
// of the progress.
func (s *session) useAddons(ctx context.Context, progress *term.Progress) error {
	for _, name := range s.addons {
		a, err := addon.Find(name)
		if err != nil {
			return err
		}
		line := progress.Start(fmt.Sprintf("%s add-on %s", s.lab.Name, name))
		err = a.Use(ctx, s.handle, s.addonUser(), line)
		line.Done(err)
		if err != nil {
			return err
		}
	}
	return nil
}

// releaseAddons lets go of the session's add-ons: those that nobody else uses
// are removed. It comes last, as what the lab made may need them to go.
func (s *session) releaseAddons(ctx context.Context) error {
	var errs []error
	var left []string
	for _, name := range slices.Backward(s.addons) {
		a, err := addon.Find(name)
		if err == nil {
			err = a.Release(ctx, s.handle, s.addonUser())
		}
		if err != nil {
			left = append(left, name)
		}
		errs = append(errs, err)
	}
	s.addons = left
	return errors.Join(errs...)
}

// addonUser is the session as add-ons know it. A guided lab keeps them while it is
// begun anew, so it is known by its cluster, which has only one.
func (s *session) addonUser() string {
	if s.guided {
		return "guide"
	}
	return s.id
}
