package cluster

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"axolotl/internal/term"
	"axolotl/vm"
)

// alignEnough is how far apart leases may be renewed: a kubelet's own renewals
// are up to 0.4 s apart from each other's pace.
const alignEnough = 300 * time.Millisecond

// alignLeases has all nodes of an idle cluster renew their leases at about the
// same moment, so that one instant suits all of them (leasesDue): each worker is
// paused for as long as its node is ahead of the first one's. A control plane is
// not: several that are paused at once would leave etcd without its majority.
func alignLeases(h *vm.Handle) vm.Action {
	return vm.Action{Name: "Align the nodes' leases", Run: func(ctx context.Context, step *term.Step) error {
		pauser, ok := h.Driver.(vm.Pauser)
		if !ok || len(h.Cluster.Machines) < 2 {
			return nil
		}
		renewed, err := renewals(ctx, h, h.Cluster.Machines)
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		for _, m := range h.Cluster.Machines[1:] {
			if m.Role == vm.ControlPlane {
				continue
			}
			ahead := leasesApart(renewed[m.Name], renewed[h.Cluster.Machines[0].Name])
			if ahead < alignEnough || ahead > leaseRenewal-alignEnough {
				continue
			}
			step.Status("%s is %.1f s ahead", m.Name, ahead.Seconds())
			group.Go(func() error { return pauseFor(ctx, pauser, h.Cluster, m.Name, ahead) })
		}
		return group.Wait()
	}}
}

// leasesApart is by how much renewals at one pace come before those of another,
// less than leaseRenewal.
func leasesApart(one, other time.Time) time.Duration {
	apart := other.Sub(one) % leaseRenewal
	if apart < 0 {
		apart += leaseRenewal
	}
	return apart
}

// resumeWithin is how long a machine may take to run on, its clock set, where ctx has
// ended: nobody waits for what is thrown away.
const resumeWithin = 3 * time.Second

// pauseFor stops a machine for a while. Where ctx ends first it runs on, too.
func pauseFor(ctx context.Context, pauser vm.Pauser, c *vm.Cluster, machine string, d time.Duration) error {
	if err := pauser.Pause(ctx, c, machine); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	last, cancel := vm.Outlast(ctx, resumeWithin)
	defer cancel()
	return pauser.Resume(last, c, machine)
}
