package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/vm/cluster"
)

// topScene is all that top shows, as it was at one time.
type topScene struct {
	At       time.Time
	Clusters []topCluster
	Running  []*chaos.Report // runs at work, with what they have seen so far
	Ended    []*chaos.Report // the latest that ended, the newest last
	Firings  []topFiring     // the next ones, the nearest first
	Faults   []string        // why not all can be told
}

// topCluster is a cluster and how it is, or why nobody can tell.
type topCluster struct {
	Name   string
	Status *cluster.Status
	Fault  string
}

// topFiring is a firing to come.
type topFiring struct {
	Start      time.Time
	Schedule   string
	Cluster    string
	Experiment string
}

const (
	// topRuns is among how many of the latest runs those at work are sought.
	topRuns = 50
	// topEnded is how many runs that have ended are shown.
	topEnded = 5
	// topFirings is how many of the next firings are shown.
	topFirings = 5
)

// lookAround reads what top shows. What cannot be read is told in it.
func lookAround(ctx context.Context, a *app, db *history.DB) topScene {
	scene := topScene{At: time.Now()}
	note := func(err error) {
		if err != nil {
			scene.Faults = append(scene.Faults, err.Error())
		}
	}
	var err error
	scene.Clusters, err = lookAtClusters(ctx, a)
	note(err)
	latest, err := chaos.Reports(ctx, db, history.RunQuery{Limit: topRuns})
	note(err)
	for _, p := range latest {
		if p.Verdict == chaos.Running {
			scene.Running = append(scene.Running, p)
		} else {
			scene.Ended = append(scene.Ended, p)
		}
	}
	scene.Ended = scene.Ended[max(0, len(scene.Ended)-topEnded):]
	scene.Firings, err = nextFirings(a, scene.At)
	note(err)
	return scene
}

// lookAtClusters asks all clusters at once: one may not answer.
func lookAtClusters(ctx context.Context, a *app) ([]topCluster, error) {
	all, err := a.clusters().List()
	looks := make([]topCluster, len(all))
	var group errgroup.Group
	for i, c := range all {
		looks[i].Name = c.Name
		group.Go(func() error {
			status, err := a.clusters().Status(ctx, c.Name, a.open)
			if err != nil {
				looks[i].Fault = err.Error()
			}
			looks[i].Status = status
			return nil
		})
	}
	_ = group.Wait() // each error is told with its cluster
	return looks, err
}

// nextFirings are the next firings of all schedules.
func nextFirings(a *app, now time.Time) ([]topFiring, error) {
	all, err := a.schedules().List()
	if err != nil {
		return nil, err
	}
	var next []topFiring
	for _, r := range all {
		if r.Broken != "" || r.Paused != nil {
			continue
		}
		timetable, err := r.Timetable()
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", r.Schedule.Name, err)
		}
		for _, f := range timetable.Next(now, topFirings, false) {
			choice, _ := timetable.Choice(f.Due)
			next = append(next, topFiring{f.Start, r.Schedule.Name, r.Schedule.Cluster, r.Schedule.Experiments[choice]})
		}
	}
	slices.SortStableFunc(next, func(x, y topFiring) int { return x.Start.Compare(y.Start) })
	return next[:min(len(next), topFirings)], nil
}
