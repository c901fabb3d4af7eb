package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/timeline"
	"axolotl/internal/check"
	"axolotl/internal/term"
	clusters "axolotl/vm/cluster"
)

// errNotHealed is the error of a run that has watched long enough.
var errNotHealed = errors.New("it did not heal")

// watch follows the healing until all is well, or until lateFactor times the
// deadline. A fault that lasts for a time is undone in the middle of it.
func (r *run) watch(ctx context.Context, step *term.Step) error {
	end := time.NewTimer(r.left())
	defer end.Stop()
	var lasted <-chan time.Time
	r.over = r.experiment.Lasts == 0 && r.experiment.Fault.Effect().Takes == fault.TakesBoots
	if r.experiment.Lasts > 0 {
		timer := time.NewTimer(r.experiment.Lasts - r.now().Sub(r.struck))
		defer timer.Stop()
		lasted = timer.C
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	defer r.growing(ctx)()
	missing := errors.New("nobody has looked yet")
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return fmt.Errorf("%w within %s: %w%s", errNotHealed, lateFactor*r.experiment.HealWithin, missing, r.lastWords())
		case <-lasted:
			lasted = nil
			if err := r.endFault(ctx, step); err != nil {
				return err
			}
		case <-tick.C:
		}
		if err := r.blind(); err != nil {
			return err
		}
		if lasted != nil {
			missing = errors.New("the fault still lasts")
		} else if missing = r.well(ctx); missing == nil {
			at := r.healedAt()
			r.healed, r.watched = &at, r.log.Now()
			return nil
		}
		step.Status("%v", missing)
	}
}

// left is how long the run still watches.
func (r *run) left() time.Duration { return lateFactor*r.experiment.HealWithin - r.now().Sub(r.struck) }

// endFault undoes a fault that has lasted as long as it should. It is tried until
// the run ends: what is under it, a guest's agent or the API server, may not answer
// at once. Where that has switched machines on, the fault was over when they ran, also
// where the undo waits until their nodes are Ready.
func (r *run) endFault(ctx context.Context, step *term.Step) error {
	began := r.log.Now()
	limited, cancel := context.WithTimeout(ctx, r.left())
	defer cancel()
	ended := check.Func("the fault is ended", func(ctx context.Context) error { return r.experiment.Fault.Undo(ctx, r.handle, r.targets) })
	err := check.Wait(limited, ended, undoEvery, func(missing error) { step.Status("it cannot be ended yet: %v", missing) })
	if err != nil {
		err = fmt.Errorf("end the fault after %s: %w", r.experiment.Lasts, err)
		if ctx.Err() == nil { // nobody was told to stop: it is over
			err = fmt.Errorf("%w within %s: %w", errNotHealed, lateFactor*r.experiment.HealWithin, err)
		}
		return err
	}
	r.machines.look(ctx)
	r.over, r.overAt = true, cmp.Or(r.machines.allOn(began), r.log.Now())
	return nil
}

// lastWords are what the machines of lost nodes have said last that are not back:
// of one that does not boot nothing else is to be had.
func (r *run) lastWords() string {
	var silent []string
	for _, n := range timeline.Nodes(r.fault, r.log.Entries()) {
		if r.over && r.home.Machine(n.Lost.Name) != nil && !n.Reached(timeline.Ready) {
			silent = append(silent, n.Lost.Name)
		}
	}
	if len(silent) == 0 {
		return ""
	}
	if words := clusters.ConsoleEnds(r.home, silent...); words != "" {
		return "; " + words
	}
	return ""
}

// well returns nil where all that was lost is back and the steady state
// holds, else what is missing. The timeline is asked first: it costs nothing.
func (r *run) well(ctx context.Context) error {
	entries := r.log.Entries()
	for _, p := range timeline.Pods(r.fault, entries) {
		if !p.Reached(r.lastMilestone()) && !r.unnoticed(p.Phases) {
			return fmt.Errorf("the place of pod %s is not yet %s", p.Lost.Name, r.lastMilestone())
		}
	}
	for _, n := range timeline.Nodes(r.fault, entries) {
		if r.over && !n.Reached(timeline.Ready) && !r.unnoticed(n.Phases) {
			return fmt.Errorf("node %s is not yet back", n.Lost.Name)
		}
	}
	if r.client != nil {
		if err := r.client.answering(r.struck); err != nil {
			return err
		}
	}
	return r.steadyNow(ctx)
}

// unnoticed tells whether a loss of contact was over before anybody missed
// what was lost: it is the same as before, and there is nothing to wait for.
func (r *run) unnoticed(phases []timeline.Phase) bool {
	return r.over && r.experiment.Fault.Effect().Takes == fault.TakesContact &&
		!slices.ContainsFunc(phases, func(p timeline.Phase) bool { return p.Known })
}

// lastMilestone is what a lost pod's place must reach.
func (r *run) lastMilestone() timeline.Milestone {
	if r.client == nil {
		return timeline.Ready
	}
	return timeline.Serving
}

// healedAt is when the last thing was well again, since the fault.
func (r *run) healedAt() time.Duration {
	entries := r.log.Entries()
	var recovered, suffered, lasted time.Duration
	for _, p := range timeline.Pods(r.fault, entries) {
		recovered = max(recovered, p.Total)
	}
	for _, n := range timeline.Nodes(r.fault, entries) {
		recovered = max(recovered, n.Total)
	}
	if r.client != nil {
		suffered = r.client.well(r.struck)
	}
	if r.overAt > 0 {
		lasted = r.overAt - r.fault.At
	}
	return latestOf(recovered, suffered, lasted, r.now().Sub(r.struck))
}

// latestOf is the latest of the recoveries, of the end of what the client suffered
// and of the end of a fault that lasted, before which nothing shows that it was
// borne; each 0 where there was none. Where no pod and no node was lost the end of
// such a fault is not yet a proof: then, and where nothing tells of anything, it
// is held, when the steady state was seen to hold.
func latestOf(recovered, suffered, lasted, held time.Duration) time.Duration {
	if recovered == 0 && (suffered == 0 || lasted > 0) {
		return held
	}
	return max(recovered, suffered, lasted)
}
