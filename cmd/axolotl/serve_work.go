package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/serve"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

// newDaemon is a daemon that works on the clusters on this host.
func newDaemon(a *app, db *history.DB, log *zap.Logger, metrics *serve.Metrics, progress *term.Progress) *serve.Daemon {
	return &serve.Daemon{
		Schedules: a.schedules(), History: db, Log: log, Metrics: metrics, Clock: clock.RealClock{},
		Run: func(ctx context.Context, order serve.Order) (*chaos.Report, error) {
			return runOrder(ctx, a, db, order, progress)
		},
		Recreate: func(ctx context.Context, name string) error {
			_, err := a.clusters().Recreate(ctx, cluster.UpOptions{Name: name, Open: a.open, Kubeconfig: a.userKubeconfig(false)}, progress)
			return err
		},
		Clusters: func() ([]string, error) {
			all, err := a.clusters().List()
			var up []string
			for _, c := range all {
				if c.Phase == vm.PhaseUp {
					up = append(up, c.Name)
				} else {
					log.Warn("a cluster is not up; what runs left on it is not undone now", zap.String("cluster", c.Name), zap.String("phase", string(c.Phase)))
				}
			}
			return up, err
		},
		Recover: func(ctx context.Context, name string) (int, error) {
			handle, err := a.handle(ctx, name)
			if err != nil {
				return 0, err
			}
			done, err := chaos.Recover(ctx, handle, time.Now, progress.Start("undo what was left"))
			return len(done), err
		},
	}
}

// runOrder runs what a schedule asks for, as 'chaos run' does. The cluster is
// opened anew for each: it, and what it is reached through, may be another one
// since the last.
func runOrder(ctx context.Context, a *app, db *history.DB, order serve.Order, progress *term.Progress) (*chaos.Report, error) {
	e, err := experimentOf(order)
	if err != nil {
		return nil, err
	}
	handle, err := a.handleToRun(ctx, order.Schedule.Cluster)
	if err != nil {
		return nil, err
	}
	return a.runner(handle, db, progress).Run(ctx, e), nil
}

// experimentOf is the experiment that a schedule asks for.
func experimentOf(order serve.Order) (*chaos.Experiment, error) {
	e, err := chaos.Open(order.Experiment)
	if err != nil {
		return nil, err
	}
	overrides := order.Schedule.With.Overrides()
	overrides.Seed = order.Seed
	if err := overrides.Apply(e); err != nil {
		return nil, fmt.Errorf("experiment %s: %w", order.Experiment, err)
	}
	return e, nil
}
