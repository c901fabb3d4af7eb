package labs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/addon"
)

// A run holds a file of its cluster's directory, named for its namespace, from
// before it makes anything until it has removed all. The kernel lets go of it
// when the process ends, however it ends, so a file that nobody holds is of a run
// that was killed and has left something. Guided labs, and runs that are to keep
// what they made, have none: what is theirs is never taken for left.
const (
	runsDir    = "labs"
	runsPrefix = "lab-"
	runsSuffix = ".lock"
)

// hold takes the run's file. It is waited for, as another run may be looking
// whether this one lives.
func (s *session) hold(ctx context.Context) (err error) {
	try := func() (*store.Lock, error) { return s.handle.Cluster.TryLock(runsDir, s.namespace+runsSuffix) }
	s.held, err = store.Await(ctx, try, func(*store.LockedError) {})
	return err
}

// letGoOfRun removes the run's file, unless something of the run is left, which
// the next one is to remove.
func (s *session) letGoOfRun(left bool) error {
	switch {
	case s.held == nil:
		return nil
	case left:
		return s.held.Unlock()
	}
	err := s.held.Remove()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the cluster was taken down meanwhile
	}
	return err
}

// removeLeft removes what runs of labs that were killed have left in a cluster,
// and says so. What cannot be removed is told and left to the next one: it is in
// nobody's way.
func removeLeft(ctx context.Context, h *vm.Handle, progress *term.Progress, now func() time.Time) error {
	files, err := os.ReadDir(h.Cluster.Path(runsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, file := range files {
		namespace, isRun := strings.CutSuffix(file.Name(), runsSuffix)
		if !isRun || !strings.HasPrefix(namespace, runsPrefix) {
			continue
		}
		lock, err := h.Cluster.TryLock(runsDir, file.Name())
		var locked *store.LockedError
		if errors.As(err, &locked) {
			continue // it runs
		}
		if err != nil {
			return err
		}
		s := sessionOf(h, namespace, now)
		s.held = lock
		err = s.removeOnly(ctx, progress)
		if err := errors.Join(s.letGoOfRun(err != nil), ctx.Err()); err != nil {
			return err
		}
		if err != nil {
			progress.Line("what a killed run of lab %s left cannot be removed: %v", s.lab.Name, err)
		}
	}
	return nil
}

// sessionOf is the session that had a namespace.
func sessionOf(h *vm.Handle, namespace string, now func() time.Time) *session {
	name, id := strings.TrimPrefix(namespace, runsPrefix), ""
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		name, id = name[:i], name[i+1:]
	}
	s := newSession(h, &Lab{Name: name}, now)
	s.resume(id)
	return s
}

// removeOnly removes what a killed session has left, but for what it broke, which
// is in the journal.
func (s *session) removeOnly(ctx context.Context, progress *term.Progress) error {
	left, err := s.namespaces(ctx)
	if err != nil {
		return err
	}
	volumes, err := s.volumes(ctx)
	if err != nil {
		return err
	}
	for _, name := range addon.Names() {
		a, err := addon.Find(name)
		if err != nil {
			return err
		}
		users, _, err := a.Users(ctx, s.handle.Kube)
		if err != nil {
			return err
		}
		if slices.Contains(users, s.id) {
			s.addons = append(s.addons, name)
		}
	}
	if len(left)+len(volumes)+len(s.addons) == 0 { // killed before it made anything, or after all was removed
		return s.endKubeconfig()
	}
	return progress.Do("Remove what was left", func(*term.Step) error {
		if err := s.end(ctx); err != nil {
			return err
		}
		for i := range left {
			progress.Line("removed: namespace %s, left by a run of lab %s that was killed", left[i].Name, s.lab.Name)
		}
		for _, name := range volumes {
			progress.Line("removed: volume %s, left by a run of lab %s that was killed", name, s.lab.Name)
		}
		return nil
	})
}
