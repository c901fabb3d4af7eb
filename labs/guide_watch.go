package labs

import (
	"context"
	"errors"

	"axolotl/internal/store"
	"axolotl/vm"
)

// Watch looks again and again at the step under way of a guided lab, and keeps no other
// window from the lab: it reads what the others have written, and has the lab's lock
// only to begin a step and to note that it is done.
type Watch struct {
	Handle *vm.Handle
	Options

	last *place // where the look before was; nil before the first
}

// place is where a lab is: what it is about in one look is another thing in the next.
type place struct {
	session string // another one after it was begun anew
	step    int
}

func (g *Guide) place() place { return place{g.runner.session.id, g.state.Step} }

// Sight is what one look of a Watch saw.
type Sight struct {
	Guide   *Guide // to look at only
	Moved   bool   // the lab went on, or was begun anew, since the look before
	Busy    bool   // another process is at work on it: nothing was looked at
	Passed  bool   // all checks hold, and that is noted
	Results []CheckResult
}

// Look looks once. The error is ErrNoGuide where the lab has ended.
func (w *Watch) Look(ctx context.Context) (Sight, error) {
	g, busy, err := w.begun(ctx)
	if err != nil {
		return Sight{}, err
	}
	now := g.place()
	sight := Sight{Guide: g, Moved: w.last != nil && *w.last != now, Busy: busy}
	w.last = &now
	step := g.Step()
	if busy || step == nil {
		return sight, nil
	}
	var seen []*Problem
	if sight.Results, seen = g.lookAll(ctx, step); ctx.Err() != nil {
		return sight, context.Cause(ctx)
	}
	if len(seen) == 0 {
		sight.Passed, err = w.pass(now)
	}
	return sight, err
}

// begun is the lab as it is, with a step under way that has begun, unless another
// process is at it.
func (w *Watch) begun(ctx context.Context) (g *Guide, busy bool, err error) {
	if err := w.Handle.Cluster.Gone(); err != nil {
		return nil, false, err
	}
	if g, err = SeeGuide(w.Handle, w.Options); err != nil || g.state.Begun && !g.state.Making {
		return g, false, err
	}
	locked, err := w.locked()
	if locked == nil {
		return g, err == nil, err
	}
	if err := errors.Join(locked.begin(ctx), locked.Close()); err != nil {
		return nil, false, err
	}
	g, err = SeeGuide(w.Handle, w.Options)
	return g, false, err
}

// pass notes that the step is done, if the lab is still where it was looked at.
func (w *Watch) pass(at place) (bool, error) {
	g, err := w.locked()
	if g == nil {
		return false, err
	}
	same := g.place() == at && g.state.Begun
	if same {
		g.pass(g.Step(), false)
		err = g.save()
	}
	return same && err == nil, errors.Join(err, g.Close())
}

// locked is the lab under way, to be changed; nil where another process is at it.
func (w *Watch) locked() (*Guide, error) {
	g, err := ResumeGuide(w.Handle, w.Options)
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return nil, nil
	}
	return g, err
}
