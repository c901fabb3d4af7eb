package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"axolotl/chaos/fault"
	"axolotl/internal/check"
	"axolotl/internal/term"
	"axolotl/vm"
)

// undoing is one undo of a fault, tried in harder and harder ways: again and
// again, then with the machines rebooted on which it cannot be proved, then with
// these restored from a snapshot, then made anew without one.
type undoing struct {
	handle  *vm.Handle
	fault   fault.Fault
	objects []fault.Object
	within  time.Duration // how long each way may take
	step    *term.Step    // nil: nobody looks

	ways []string // that were gone, with the time that each took
}

// rung is one of the harder ways.
type rung struct {
	name string
	do   func(ctx context.Context, nodes []string) error
}

// run undoes and returns the proof, which names the ways that were needed.
func (u *undoing) run(ctx context.Context) (string, error) {
	proof, err := u.try(ctx, "retry", nil)
	for _, r := range u.rungs() {
		if err == nil || ctx.Err() != nil {
			break
		}
		left := u.left(ctx)
		if len(left) == 0 {
			break // proved now: the next look says how, or what else fails
		}
		var next error
		proof, next = u.try(ctx, r.name+" of "+strings.Join(left, ", "), func(ctx context.Context) error { return r.do(ctx, left) })
		err = errors.Join(err, next)
		if next == nil {
			err = nil
		}
	}
	if err == nil && len(u.ways) > 0 {
		proof = "after " + strings.Join(u.ways, " and ") + ": " + proof
	}
	return proof, err
}

// try does what a way does before, undoes, and proves it. The error says which
// way it was and how long it took.
func (u *undoing) try(ctx context.Context, way string, before func(context.Context) error) (string, error) {
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, u.within)
	defer cancel()
	if before != nil {
		u.step.Status("%s", way)
		if err := before(limited); err != nil {
			return "", fmt.Errorf("%s: %w", u.note(way, start), err)
		}
	}
	undo := check.Func(u.fault.Name()+" is undone", func(ctx context.Context) error { return u.fault.Undo(ctx, u.handle, u.objects) })
	err := check.Wait(limited, undo, undoEvery, nil)
	var proof string
	if err == nil {
		proof, err = proved(ctx, "the undo of "+u.fault.Name()+" is proved", u.within, func(ctx context.Context) (string, error) {
			return u.fault.Undone(ctx, u.handle, u.objects)
		})
	}
	words := u.note(way, start)
	if err != nil {
		return "", fmt.Errorf("%s: %w", words, err)
	}
	if before == nil {
		u.ways = nil // it needed nothing
	}
	return proof, nil
}

// note keeps that a way was gone, with the time that it took.
func (u *undoing) note(way string, start time.Time) string {
	words := fmt.Sprintf("%s (%s)", way, term.Seconds(time.Since(start)))
	u.ways = append(u.ways, words)
	return words
}

// rungs are the harder ways that there are: of faults of nodes, where their
// machines are ours.
func (u *undoing) rungs() []rung {
	h := u.handle
	if u.fault.Effect().On != fault.OnNodes || !h.Driver.Traits().RealMachines {
		return nil
	}
	rungs := []rung{{"reboot", func(ctx context.Context, nodes []string) error {
		var errs []error
		for _, node := range nodes {
			errs = append(errs, fault.StartAnew(ctx, h, node))
		}
		return errors.Join(errs...)
	}}}
	if h.Recreate == nil {
		return rungs
	}
	return append(rungs,
		rung{"restore", func(ctx context.Context, nodes []string) error { return h.Recreate(ctx, false, nodes...) }},
		rung{"recreate", func(ctx context.Context, nodes []string) error { return h.Recreate(ctx, true, nodes...) }})
}

// left are the nodes with machines of ours on which the undo is not proved.
func (u *undoing) left(ctx context.Context) []string {
	var left []string
	for _, o := range u.objects {
		if u.handle.Cluster.Machine(o.Name) == nil || slices.Contains(left, o.Name) {
			continue
		}
		look, cancel := context.WithTimeout(ctx, slowWithin)
		if _, err := u.fault.Undone(look, u.handle, []fault.Object{o}); err != nil {
			left = append(left, o.Name)
		}
		cancel()
	}
	return left
}
