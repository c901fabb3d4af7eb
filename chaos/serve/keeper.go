package serve

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"axolotl/chaos/history"
)

// Keeper is what a daemon needs to watch machines. It looks at them again and
// again: the contract of drivers has no events.
type Keeper struct {
	// Keeps are the clusters that are watched.
	Keeps func() ([]Keep, error)
	// Look returns what is wrong with each machine of a cluster that is not as
	// it should be. An error says that nobody can tell.
	Look func(ctx context.Context, cluster string) (map[string]string, error)
	// InUse tells whether a run, of whatever process, is at work on a cluster:
	// what is wrong with its machines then may be meant.
	InUse func(cluster string) (bool, error)
	// Record records a recreation, and Recent returns those since then.
	Record func(ctx context.Context, r history.Recreation) error
	Recent func(ctx context.Context, cluster string, since time.Time) ([]history.Recreation, error)

	watches map[string]*watch
	listed  time.Time
	keeps   []Keep
}

// watch is what is known of one cluster's machines.
type watch struct {
	looking bool
	looked  time.Time
	since   map[string]time.Time // unhealthy machines: since when
	limit   bool                 // the limit was told
}

// lookEvery is how often machines are looked at.
const lookEvery = 10 * time.Second

// keep looks at the machines of the clusters that are watched and not busy.
func (d *Daemon) keep(ctx context.Context, now time.Time) {
	k := d.Keeper
	if k == nil {
		return
	}
	if now.Sub(k.listed).Abs() >= lookEvery {
		keeps, err := k.Keeps()
		if err != nil {
			d.Log.Error("not all clusters that should be are watched", zap.Error(err))
		}
		k.keeps, k.listed = keeps, now
	}
	if k.watches == nil {
		k.watches = map[string]*watch{}
	}
	for _, keep := range k.keeps {
		w := k.watches[keep.Cluster]
		if w == nil {
			w = &watch{}
			k.watches[keep.Cluster] = w
		}
		if _, busy := d.busy[keep.Cluster]; busy {
			w.since = nil // whatever is wrong now is looked at anew afterwards
			continue
		}
		if w.looking || now.Sub(w.looked).Abs() < lookEvery {
			continue
		}
		w.looking, w.looked = true, now
		go func() {
			unhealthy, err := k.Look(ctx, keep.Cluster)
			select {
			case d.done <- func() {
				w.looking = false
				d.weigh(ctx, keep, w, unhealthy, err)
			}:
			case <-ctx.Done():
			}
		}()
	}
}

// weigh decides what is done about machines that are unhealthy.
func (d *Daemon) weigh(ctx context.Context, keep Keep, w *watch, unhealthy map[string]string, err error) {
	log := d.Log.With(zap.String("cluster", keep.Cluster))
	used := false
	if err == nil {
		used, err = d.Keeper.InUse(keep.Cluster)
	}
	if err != nil {
		log.Warn("nobody can tell how the machines are", zap.Error(err))
		return
	}
	now := d.Clock.Now()
	if _, busy := d.busy[keep.Cluster]; busy || used || len(unhealthy) == 0 {
		w.since = nil
		w.limit = w.limit && len(unhealthy) > 0
		return
	}
	since := map[string]time.Time{}
	for machine, reason := range unhealthy {
		at, known := w.since[machine]
		if !known {
			at = now
			log.Warn("a machine is unhealthy", zap.String("machine", machine), zap.String("reason", reason))
		}
		since[machine] = at
	}
	w.since = since
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
	w.since, w.limit = nil, false
	d.work(keep.Cluster, "recreating its machines, as "+machine+" is unhealthy", func() func() {
		r, healthy := d.renew(ctx, keep.Cluster, machine, reason)
		return func() {
			switch {
			case healthy:
				log.Info("the machine is well again, without being recreated", zap.String("machine", machine))
				return
			case r.Error != "":
				log.Error("recreation has failed", zap.String("machine", machine), zap.String("reason", reason), zap.String("error", r.Error))
			default:
				log.Warn("recreated", zap.String("machine", machine), zap.String("reason", reason), zap.Duration("ready after", r.Ready))
			}
			d.unsaved = append(d.unsaved, func() error { return d.Keeper.Record(context.WithoutCancel(ctx), r) })
			if err := d.save(); err != nil {
				log.Error("a recreation is not written down yet", zap.Error(err))
			}
		}
	}, func(p error) { log.Error("recreation", zap.Error(p)) })
}

// renew undoes what a run may have left, which may be all that is wrong, and
// recreates the cluster where the machine is still unhealthy then.
func (d *Daemon) renew(ctx context.Context, cluster, machine, reason string) (r history.Recreation, healthy bool) {
	r = history.Recreation{Cluster: cluster, Machine: machine, Reason: reason, Started: d.Clock.Now()}
	// NOTE: an undo that fails is no reason to leave a broken machine: what it
	// would undo goes with the machines.
	if undone, _ := d.Recover(ctx, cluster); undone > 0 {
		if unhealthy, err := d.Keeper.Look(ctx, cluster); err == nil && unhealthy[machine] == "" {
			return r, true
		}
	}
	if err := d.recreate(ctx, cluster); err != nil {
		r.Error = err.Error()
		return r, false
	}
	r.Ready = d.Clock.Since(r.Started)
	return r, false
}
