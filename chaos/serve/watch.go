package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"axolotl/vm"
)

// watch is what is known of one cluster's machines.
type watch struct {
	cluster string

	stop     context.CancelFunc          // ends the watching; nil: nobody tells anything
	tried    time.Time                   // when it was begun last
	machines map[string]vm.MachineStatus // the latest word on each

	checking bool
	checked  time.Time
	nodes    map[string]string // what is wrong with each node
	targets  map[string]bool   // machines that runs are at work on

	since map[string]time.Time // unhealthy machines: since when
	limit bool                 // the limit was told
	deaf  bool                 // that nobody tells of machines was told
	blind bool                 // that nodes cannot be asked was told
}

// end ends the watching.
func (w *watch) end() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// again has all looked at anew: the machines may be others than they were, and
// have their time to become well.
func (w *watch) again(now time.Time) {
	w.end()
	w.tried, w.checked = time.Time{}, time.Time{}
	w.machines, w.nodes = nil, nil
	for machine := range w.since {
		w.since[machine] = now
	}
}

// unhealthy is what is wrong with each machine that is not as it should be.
func (w *watch) unhealthy() map[string]string {
	all := map[string]string{}
	for name, m := range w.machines {
		switch {
		case m.State == vm.MachineRunning:
		case m.Reason != "":
			all[name] = fmt.Sprintf("machine is %s (%s)", m.State, m.Reason)
		default:
			all[name] = fmt.Sprintf("machine is %s", m.State)
		}
	}
	for name, reason := range w.nodes {
		if reason != "" && all[name] == "" {
			all[name] = reason
		}
	}
	return all
}

// watch begins to follow a cluster's machines, where nobody does.
func (d *Daemon) watch(ctx context.Context, w *watch, now time.Time) {
	if w.stop != nil || now.Sub(w.tried).Abs() < watchAfter {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	w.stop, w.tried = stop, now
	d.beside(ctx, func() func() {
		events, err := d.Keeper.Watch(ctx, w.cluster)
		for err == nil {
			status, ok := <-events
			if !ok {
				break
			}
			d.leave(ctx, func() { w.told(status) })
		}
		return func() {
			w.end()
			d.trouble(w, &w.deaf, err)
		}
	}, w.end)
}

// beside does something beside the loop, which then calls what it returns, or,
// after a panic, panicked.
func (d *Daemon) beside(ctx context.Context, do func() func(), panicked func()) {
	go func() {
		finish, err := guarded(do)
		if err != nil {
			d.Log.Error("what is done beside the runs has panicked, which is a bug", zap.Error(err))
			finish = panicked
		}
		d.leave(ctx, finish)
	}()
}

// leave gives something to the loop, unless ctx has ended by then: it is about
// a watching that nobody minds any more.
func (d *Daemon) leave(ctx context.Context, do func()) {
	select {
	case d.done <- func() {
		if ctx.Err() == nil {
			do()
		}
	}:
	case <-ctx.Done():
	}
}

func (w *watch) told(status vm.MachineStatus) {
	if w.machines == nil {
		w.machines = map[string]vm.MachineStatus{}
	}
	w.machines[status.Name] = status
}

// check asks the nodes for signs of life, which no event tells the lack of, and
// which machines runs are at work on.
func (d *Daemon) check(ctx context.Context, w *watch, now time.Time) {
	if w.checking || now.Sub(w.checked).Abs() < checkEvery {
		return
	}
	w.checking, w.checked = true, now
	d.beside(ctx, func() func() {
		nodes, err := d.Keeper.Check(ctx, w.cluster)
		targets, targetsErr := d.Keeper.Targets(w.cluster)
		return func() {
			w.checking, w.nodes, w.targets = false, nodes, targets
			d.trouble(w, &w.blind, errors.Join(err, targetsErr))
			if w.stop != nil && now.Sub(w.tried) >= checkEvery && !sameNames(w.machines, nodes) {
				w.again(d.Clock.Now()) // machines were added or removed
			}
		}
	}, func() { w.checking = false })
}

// sameNames tells whether all machines are those that there are nodes for; where
// nobody knows the nodes, they may be.
func sameNames(machines map[string]vm.MachineStatus, nodes map[string]string) bool {
	return len(nodes) == 0 || slices.Equal(slices.Sorted(maps.Keys(machines)), slices.Sorted(maps.Keys(nodes)))
}

// trouble tells, once until it is over, that nobody can tell how a cluster's
// machines are.
func (d *Daemon) trouble(w *watch, told *bool, err error) {
	if err != nil && !*told {
		d.Log.Warn("nobody can tell how the machines are", zap.String("cluster", w.cluster), zap.Error(err))
	}
	*told = err != nil
}
