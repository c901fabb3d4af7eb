package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"axolotl/chaos/history"
	"axolotl/internal/store"
	"axolotl/vm"
)

// Keeper is what a daemon needs to keep machines well. It is told what becomes
// of them; only what nothing tells of, a node that falls silent, it looks for
// itself, from time to time.
type Keeper struct {
	// Keeps are the clusters that are watched.
	Keeps func() ([]Keep, error)
	// Watch is vm.Watcher's, of a cluster.
	Watch func(ctx context.Context, cluster string) (<-chan vm.MachineStatus, error)
	// Check returns what is wrong with the node of each machine, "" for none.
	// An error says that nobody can tell.
	Check func(ctx context.Context, cluster string) (map[string]string, error)
	// Look returns what is wrong with machines and nodes at this moment, of
	// those that are not as they should be. It is asked before one is thrown
	// away.
	Look func(ctx context.Context, cluster string) (map[string]string, error)
	// Targets are the machines that runs, of whatever process, are at work on:
	// what is wrong with them then may be meant.
	Targets func(cluster string) (map[string]bool, error)
	// Recreate throws one machine away and has it back. The error is a
	// *store.LockedError where it may not be touched now.
	Recreate func(ctx context.Context, cluster, machine string) error
	// Record records a recreation, and Recent returns those since then.
	Record func(ctx context.Context, r history.Recreation) error
	Recent func(ctx context.Context, cluster string, since time.Time) ([]history.Recreation, error)

	watches map[string]*watch
	listed  time.Time
	keeps   []Keep
}

const (
	// checkEvery is how often nodes are asked for signs of life: as often as a
	// kubelet renews its lease.
	checkEvery = 10 * time.Second
	// watchAfter is the pause after a watch has ended, or could not begin.
	watchAfter = 5 * time.Second
)

// keep follows the machines of the clusters that are kept.
func (d *Daemon) keep(ctx context.Context, now time.Time) {
	k := d.Keeper
	if k == nil {
		return
	}
	if now.Sub(k.listed).Abs() >= checkEvery {
		keeps, err := k.Keeps()
		if err != nil {
			d.Log.Error("not all clusters that should be are watched", zap.Error(err))
		}
		k.keeps, k.listed = keeps, now
		k.follow()
	}
	for _, keep := range k.keeps {
		w := k.watches[keep.Cluster]
		d.watch(ctx, w, now)
		d.check(ctx, w, now)
		d.weigh(ctx, keep, w, now)
	}
}

// follow has a watch for each cluster that is kept, and no other.
func (k *Keeper) follow() {
	watches := map[string]*watch{}
	for _, keep := range k.keeps {
		w := k.watches[keep.Cluster]
		if w == nil {
			w = &watch{cluster: keep.Cluster}
		}
		watches[keep.Cluster] = w
	}
	for name, w := range k.watches {
		if watches[name] == nil {
			w.end()
		}
	}
	k.watches = watches
}

// weigh decides what is done about machines that are unhealthy.
func (d *Daemon) weigh(ctx context.Context, keep Keep, w *watch, now time.Time) {
	if w.machines == nil || w.nodes == nil {
		return // nobody can tell yet, or any more
	}
	unhealthy := w.unhealthy()
	_, busy := d.busy[keep.Cluster]
	log := d.Log.With(zap.String("cluster", keep.Cluster))
	w.limit = w.limit && len(unhealthy) > 0
	since := map[string]time.Time{}
	for machine, reason := range unhealthy {
		at, known := w.since[machine]
		if !known {
			level := zap.WarnLevel
			if busy {
				level = zap.InfoLevel // it may be meant
			}
			log.Log(level, "a machine is unhealthy", zap.String("machine", machine), zap.String("reason", reason))
		}
		if !known || w.targets[machine] {
			at = now
		}
		since[machine] = at
	}
	for machine := range w.since {
		if unhealthy[machine] == "" {
			log.Info("a machine is well again", zap.String("machine", machine))
		}
	}
	w.since = since
	if busy {
		return
	}
	for _, machine := range slices.Sorted(maps.Keys(unhealthy)) {
		if now.Sub(since[machine]) >= keep.UnhealthyTimeout.Std() {
			d.remedy(ctx, keep, w, machine, unhealthy[machine], log)
			return // one at a time
		}
	}
}

// remedy recreates, where the limits allow it.
func (d *Daemon) remedy(ctx context.Context, keep Keep, w *watch, machine, reason string, log *zap.Logger) {
	now := d.Clock.Now()
	recent, err := d.Keeper.Recent(ctx, keep.Cluster, now.Add(-keep.Window.Std()))
	if err != nil {
		log.Error("nothing is recreated, as nobody can tell how often it was", zap.Error(err))
		return
	}
	if len(recent) >= keep.MaxRecreations {
		if !w.limit {
			log.Error("a machine stays unhealthy: the limit of recreations is reached; see to it by hand",
				zap.String("machine", machine), zap.String("reason", reason), zap.Int("recreations", len(recent)))
		}
		w.limit = true
		return
	}
	w.limit = false
	d.work(keep.Cluster, "recreating "+machine+", which is unhealthy", func() func() {
		r, err := d.renew(ctx, keep.Cluster, machine, reason)
		return func() { d.renewed(ctx, w, r, err, log) }
	}, func(p error) {
		w.again(d.Clock.Now())
		log.Error("recreation", zap.Error(p))
	})
}

// errWell is the error of a recreation that was not needed.
var errWell = errors.New("the machine is well again, without being recreated")

// renew undoes what a run may have left, which may be all that is wrong, and
// recreates the machine where it is still unhealthy then.
func (d *Daemon) renew(ctx context.Context, cluster, machine, reason string) (history.Recreation, error) {
	r := history.Recreation{Cluster: cluster, Machine: machine, Reason: reason, Started: d.Clock.Now()}
	// NOTE: an undo that fails is no reason to leave a broken machine: what it
	// would undo goes with it.
	_, _ = d.Recover(ctx, cluster)
	unhealthy, err := d.Keeper.Look(ctx, cluster)
	if err != nil {
		return r, fmt.Errorf("nothing is recreated, as nobody can tell how the machines are: %w", err)
	}
	if unhealthy[machine] == "" {
		return r, errWell
	}
	err = d.Keeper.Recreate(ctx, cluster, machine)
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return r, err
	}
	r.Ready = d.Clock.Since(r.Started)
	d.Metrics.restored(cluster, r.Ready, err)
	if err != nil {
		r.Ready, r.Error = 0, err.Error()
	}
	return r, nil
}

// renewed writes down how a recreation ended. An error says why there was none.
func (d *Daemon) renewed(ctx context.Context, w *watch, r history.Recreation, err error, log *zap.Logger) {
	w.again(d.Clock.Now())
	log = log.With(zap.String("machine", r.Machine), zap.String("reason", r.Reason))
	switch {
	case errors.Is(err, errWell):
		log.Info(err.Error())
		return
	case err != nil:
		log.Warn("not recreated for now", zap.Error(err))
		return
	case r.Error != "":
		log.Error("recreation has failed", zap.String("error", r.Error))
	default:
		log.Warn("recreated", zap.Duration("ready after", r.Ready))
	}
	d.unsaved = append(d.unsaved, func() error { return d.Keeper.Record(context.WithoutCancel(ctx), r) })
	if err := d.save(); err != nil {
		log.Error("a recreation is not written down yet", zap.Error(err))
	}
}
