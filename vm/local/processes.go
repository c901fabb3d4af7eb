package local

import (
	"context"
	"time"

	"axolotl/internal/daemon"
	"axolotl/internal/term"
)

// kind marks the processes of this driver. Clusters of earlier releases run with
// it.
const kind daemon.Kind = "LOCAL"

// supervisorName is the component that starts the others.
const supervisorName = "supervisor"

// stopGrace is how long the processes get to end by themselves, a second more
// than the supervisor gives its own.
const stopGrace = superviseGrace + time.Second

// Processes returns the processes of the cluster with this ID.
func Processes(cluster string) ([]daemon.Process, error) { return kind.Find(daemon.Of(cluster)) }

func supervisorOf(cluster string) func(daemon.Process) bool {
	return daemon.Component(cluster, supervisorName)
}

// stopAll ends every process of a cluster and returns when all are gone.
func stopAll(ctx context.Context, cluster string, step *term.Step) error {
	return kind.Stop(ctx, cluster, supervisorName, stopGrace, func(err error) { step.Status("%v", err) })
}

// environ is what marks a process as one of a cluster.
func (o *orders) environ(component string) []string {
	return kind.Environ(daemon.Process{Cluster: o.Cluster.ID, Dir: o.Dir, Component: component})
}
