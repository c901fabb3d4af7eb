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
// these restored from their golden snapshot, or the whole cluster from that which
// its trials begin from, then with these made anew without one.
type undoing struct {
	handle  *vm.Handle
	fault   fault.Fault
	objects []fault.Object
	within  time.Duration // how long it is tried again
	harder  time.Duration // how long each of the harder ways may take, which may be a boot
	step    *term.Step    // nil: nobody looks

	ways []string // that were gone, with the time that each took
}

// mostRungs is how many harder ways there are at most.
const mostRungs = 3

// UndoAtMost is how long a run may take to undo one fault and to remove its target
// after it was aborted, where every way fails but the last: each is tried for
// vm.Deadline, and its proof as long. Emulated machines of a large cluster may take
// longer, see vm.Spec.Deadline, and so may several faults of one run.
const UndoAtMost = 2*undoWithin + mostRungs*2*vm.Deadline + undoWithin + time.Minute

// rung is one of the harder ways: to have the machine of a node back, or the
// whole cluster, where node is nil.
type rung struct {
	name string
	node func(ctx context.Context, node string) error
	all  func(ctx context.Context) error
}

// do goes the way, for the nodes that it is needed for.
func (r rung) do(ctx context.Context, left []string) error {
	if r.node == nil {
		return r.all(ctx)
	}
	// One after another: one that cannot be had back so keeps no other from it.
	var errs []error
	for _, node := range left {
		errs = append(errs, r.node(ctx, node))
	}
	return errors.Join(errs...)
}

// of names the way and what it has back.
func (r rung) of(left []string) string {
	if r.node == nil {
		return r.name + " of the cluster"
	}
	return r.name + " of " + strings.Join(left, ", ")
}

// run undoes and returns the proof, which names the ways that were needed.
func (u *undoing) run(ctx context.Context) (string, error) {
	proof, err := u.try(ctx, "retry", u.within, nil)
	for _, r := range u.rungs() {
		if err == nil || ctx.Err() != nil {
			break
		}
		left := u.left(ctx)
		if len(left) == 0 {
			// It came true since, or no machine is what it fails by.
			if late, next := u.fault.Undone(ctx, u.handle, u.objects); next == nil {
				proof, err = late, nil
				break
			}
			if r.node != nil {
				continue
			}
		}
		var next error
		proof, next = u.try(ctx, r.of(left), u.harder, func(ctx context.Context) error { return r.do(ctx, left) })
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
func (u *undoing) try(ctx context.Context, way string, within time.Duration, before func(context.Context) error) (string, error) {
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, within)
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
		proof, err = proved(ctx, "the undo of "+u.fault.Name()+" is proved", within, func(ctx context.Context) (string, error) {
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

// rungs are the harder ways that there are: of faults of nodes, and of those that are
// done to pods in the machines of theirs, where these are ours; and of trials, which
// all begin with the cluster restored.
func (u *undoing) rungs() []rung {
	h := u.handle
	machines := (u.fault.Effect().On == fault.OnNodes || fault.OnMachines(u.fault)) && h.Driver.Traits().RealMachines
	var rungs []rung
	if machines {
		rungs = append(rungs, rung{name: "reboot", node: func(ctx context.Context, node string) error { return fault.StartAnew(ctx, h, node) }})
	}
	switch {
	case h.Restore != nil:
		rungs = append(rungs, rung{name: "restore", all: h.Restore})
	case machines && h.Recreate != nil:
		rungs = append(rungs, rung{name: "restore", node: func(ctx context.Context, node string) error { return h.Recreate(ctx, false, node) }})
	}
	if machines && h.Recreate != nil {
		rungs = append(rungs, rung{name: "recreate", node: func(ctx context.Context, node string) error { return h.Recreate(ctx, true, node) }})
	}
	return rungs
}

// left are the nodes with machines of ours on which, or on whose pods, the undo is not
// proved.
func (u *undoing) left(ctx context.Context) []string {
	var left []string
	for _, o := range u.objects {
		machine := fault.MachineOf(o)
		if u.handle.Cluster.Machine(machine) == nil || slices.Contains(left, machine) {
			continue
		}
		look, cancel := context.WithTimeout(ctx, slowWithin)
		if _, err := u.fault.Undone(look, u.handle, []fault.Object{o}); err != nil {
			left = append(left, machine)
		}
		cancel()
	}
	return left
}
