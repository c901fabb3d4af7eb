package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/serve"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

// newKeeper keeps the machines of clusters on this host.
func newKeeper(a *app, db *history.DB, progress *term.Progress) *serve.Keeper {
	return &serve.Keeper{
		Keeps: serve.KeepsAt(a.home).List,
		Watch: func(ctx context.Context, name string) (<-chan vm.MachineStatus, error) {
			c, watcher, err := watched(ctx, a, name)
			if err != nil {
				return nil, err
			}
			return watcher.Watch(ctx, c)
		},
		Check: func(ctx context.Context, name string) (map[string]string, error) { return nodeFaults(ctx, a, name) },
		Look:  func(ctx context.Context, name string) (map[string]string, error) { return unhealthy(ctx, a, name) },
		Targets: func(name string) (map[string]bool, error) {
			c, err := a.clusters().Load(name)
			if err != nil {
				return nil, err
			}
			nodes, atWork, err := chaos.TargetNodes(c)
			for _, m := range c.Machines {
				// With the only control plane all goes, also what runs are at work on.
				nodes[m.Name] = nodes[m.Name] || atWork && m.Role == vm.ControlPlane && c.Spec.ControlPlanes == 1
			}
			return nodes, err
		},
		Recreate: func(ctx context.Context, name, machine string) error {
			return recreateMachine(ctx, a, name, machine, progress)
		},
		Record: db.RecordRecreation, Recent: db.Recreations,
	}
}

// watched is a cluster that is up and a driver that tells what becomes of its
// machines.
func watched(ctx context.Context, a *app, name string) (*vm.Cluster, vm.Watcher, error) {
	h, err := a.handle(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	watcher, ok := h.Driver.(vm.Watcher)
	if !ok {
		return nil, nil, fmt.Errorf("driver %s does not tell what becomes of machines, so those of cluster %q cannot be kept", h.Driver.Name(), name)
	}
	return h.Cluster, watcher, nil
}

// recreateMachine throws a worker away and has it back while the others run
// on. Without a control plane there is nothing for it to come back to: with the
// only one, the whole cluster is. One of several is started anew, as its member of
// etcd is on its disk, and is recreated where that does not help.
func recreateMachine(ctx context.Context, a *app, name, machine string, progress *term.Progress) error {
	c, err := a.clusters().Load(name)
	if err != nil {
		return err
	}
	lock, err := chaos.LockNode(c, machine)
	if err != nil {
		return err
	}
	defer lock.Unlock() //nolint:errcheck // the kernel frees it at the latest
	if m := c.Machine(machine); m != nil && m.Role == vm.Worker {
		return a.clusters().RecreateNodes(ctx, name, []string{machine}, false, a.open, progress)
	}
	if c.Spec.ControlPlanes > 1 {
		err := a.clusters().RestartNode(ctx, name, machine, a.open, progress)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if again := a.clusters().RecreateNodes(ctx, name, []string{machine}, false, a.open, progress); again != nil {
			return errors.Join(err, again)
		}
		return nil
	}
	if _, atWork, err := chaos.TargetNodes(c); err != nil || atWork {
		if err == nil {
			err = &store.LockedError{Path: c.Path("journal")}
		}
		return err
	}
	_, err = a.clusters().Recreate(ctx, cluster.UpOptions{Name: name, Open: a.open, Kubeconfig: a.userKubeconfig(false)}, progress)
	return err
}

// agentPatience is how long a guest agent may take to answer: it is asked where
// something is wrong already.
const agentPatience = 15 * time.Second

// nodeFaults returns what is wrong with each node of a cluster, as Kubernetes
// sees it, and whether the machine itself still answers.
func nodeFaults(ctx context.Context, a *app, name string) (map[string]string, error) {
	h, err := a.handle(ctx, name)
	if err != nil {
		return nil, err
	}
	faults, failed := cluster.NodeFaults(ctx, h.Cluster)
	all := map[string]string{}
	for _, m := range h.Cluster.Machines {
		reason := faults[m.Name]
		if failed != nil && m.Role == vm.ControlPlane {
			reason = "API server does not answer: " + failed.Error()
		}
		if reason != "" && silent(ctx, h, m.Name) {
			reason += "; its guest agent is silent, too"
		}
		all[m.Name] = reason
	}
	return all, nil
}

// silent tells whether the guest agent of a machine, where there is one, does
// not answer.
func silent(ctx context.Context, h *vm.Handle, machine string) bool {
	executor, ok := h.Driver.(vm.Executor)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, agentPatience)
	defer cancel()
	_, err := executor.Exec(ctx, h.Cluster, machine, "/bin/busybox", "true")
	return err != nil
}

// unhealthy returns what is wrong with the machines of a cluster, as its
// driver and as Kubernetes see it.
func unhealthy(ctx context.Context, a *app, name string) (map[string]string, error) {
	status, err := a.clusters().Status(ctx, name, a.open)
	if err != nil {
		return nil, err
	}
	if status.Phase != vm.PhaseUp {
		return nil, fmt.Errorf("cluster %q is %s; 'axolotl up %s' completes it", name, status.Phase, name)
	}
	all := map[string]string{}
	for _, n := range status.Nodes {
		switch {
		case n.Machine != vm.MachineRunning:
			all[n.Name] = fmt.Sprintf("machine is %s", n.Machine)
		case n.Ready == "-" && n.Role == vm.ControlPlane:
			all[n.Name] = "API server does not answer: " + status.API
		case n.Ready == "-" && status.API == "ready":
			all[n.Name] = "node is not registered"
		case n.Ready == "False", n.Ready == "Unknown": // Unknown: its lease is stale
			all[n.Name] = "node is not Ready: " + n.Ready
		default:
			continue
		}
		if n.Note != "" {
			all[n.Name] += " (" + n.Note + ")"
		}
	}
	return all, nil
}
