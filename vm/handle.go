package vm

import (
	"context"

	"axolotl/internal/kube"
)

// Handle is a cluster that exists, as labs and faults are given it: its
// record, the driver that made it, and a client with full rights.
type Handle struct {
	Cluster *Cluster
	Driver  Driver
	Kube    *kube.Client

	// Recreate makes the machines of workers anew, whatever is left of them,
	// while the others run on, and waits until their nodes are Ready. It may be
	// called again after it was interrupted. Nil: nobody can.
	Recreate func(ctx context.Context, nodes ...string) error
}
