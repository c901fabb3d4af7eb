package cluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/vm"
)

// The kubelet renews its lease every 10 s (a quarter of its duration of 40 s)
// and up to 4 % later. A worker that is frozen when that is about to happen
// renews it as the first thing that it does when it alone is restored, which is the
// proof that it has found the others.
const (
	leaseRenewal = 10 * time.Second
	idleFor      = 20 * time.Second

	// leaseSoon is how long before their renewals machines are frozen. One that
	// comes before the clock is set and anybody looks is no sign of life, and the
	// next is 10 s away; one that comes later is waited for. Emulated on two cores
	// a worker is there 1 to 2.8 s after the beginning of its restore.
	leaseSoon = 2 * time.Second
)

// idle holds when a formed cluster has had nothing left to do for a while.
func idle(h *vm.Handle) check.Condition {
	var since time.Time
	return check.Func("the cluster is idle", func(ctx context.Context) error {
		if err := podsRun(ctx, h); err != nil {
			since = time.Time{}
			return err
		}
		if since.IsZero() {
			since = time.Now()
		}
		if left := idleFor - time.Since(since); left > 0 {
			return fmt.Errorf("idle for %.0f s more", left.Seconds())
		}
		return nil
	})
}

// renewals are when the leases of machines' nodes were last renewed, by the nodes'
// clocks, by name. A node that has none is an error.
func renewals(ctx context.Context, h *vm.Handle, machines []vm.Machine) (map[string]time.Time, error) {
	leases, err := h.Kube.Typed.CoordinationV1().Leases(corev1.NamespaceNodeLease).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	renewed := map[string]time.Time{}
	for _, lease := range leases.Items {
		if lease.Spec.RenewTime != nil {
			renewed[lease.Name] = lease.Spec.RenewTime.Time
		}
	}
	for _, m := range machines {
		if _, ok := renewed[m.Name]; !ok {
			return nil, fmt.Errorf("node %s has no lease yet", m.Name)
		}
	}
	return renewed, nil
}

// leasesDue holds when all leases are about to be renewed.
func leasesDue(h *vm.Handle) check.Condition {
	start := time.Now()
	const due = leaseRenewal - leaseSoon
	return check.Func("all leases are about to be renewed", func(ctx context.Context) error {
		renewed, err := renewals(ctx, h, h.Cluster.Machines)
		if err != nil {
			return err
		}
		var ages []time.Duration
		for _, m := range h.Cluster.Machines {
			ages = append(ages, time.Since(renewed[m.Name]))
		}
		newest, oldest := slices.Min(ages), slices.Max(ages)
		// Where nodes are far apart in spite of alignLeases no instant suits
		// all: then one's renewal is taken, and the others' come within 10 s.
		patience := time.Since(start) > 3*leaseRenewal
		if (newest < due && !patience) || oldest < due {
			return fmt.Errorf("the leases are %.1f to %.1f s old", newest.Seconds(), oldest.Seconds())
		}
		return nil
	})
}

// podsRun returns nil where all pods are Ready.
func podsRun(ctx context.Context, h *vm.Handle) error {
	pods, err := h.Kube.Typed.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		ready := false
		for _, condition := range pod.Status.Conditions {
			ready = ready || condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
		}
		if !ready {
			return fmt.Errorf("pod %s/%s is not Ready", pod.Namespace, pod.Name)
		}
	}
	return nil
}

// aliveSince holds when every node, or those named, is Ready and has renewed its
// lease since it was resumed: what the API server knew before proves nothing. It
// is asked for the first time after the resume.
func aliveSince(h *vm.Handle, resumed time.Time, names ...string) check.Condition {
	machines := among(h.Cluster, names)
	name := fmt.Sprintf("%d node(s) Ready, with a sign of life newer than the resume", len(machines))
	signs := signsOfLife{resumed: resumed}
	return check.Func(name, func(ctx context.Context) error {
		renewed, err := renewals(ctx, h, machines)
		if err != nil {
			return err
		}
		var waiting []string
		for _, m := range machines {
			if !signs.shown(m.Name, renewed[m.Name]) {
				waiting = append(waiting, m.Name+" has not renewed its lease yet")
			}
		}
		if len(waiting) > 0 {
			return fmt.Errorf("%s", shorten(waiting))
		}
		return nodesReady(h, names...).Check(ctx)
	})
}

// signsOfLife tells who has renewed a lease since machines were resumed. The
// stamp of a renewal is the node's own, and some renew before their clock was
// set, which takes an emulated guest a second or more: a stamp that has changed
// since the first look is one that was made after the resume too.
type signsOfLife struct {
	resumed time.Time
	first   map[string]time.Time // stamps at the first look, by node
}

func (s *signsOfLife) shown(node string, renewed time.Time) bool {
	if s.first == nil {
		s.first = map[string]time.Time{}
	}
	first, seen := s.first[node]
	if !seen {
		s.first[node], first = renewed, renewed
	}
	return renewed.After(s.resumed) || !renewed.Equal(first)
}
