package main

import (
	"context"
	"fmt"

	"axolotl/chaos/history"
	"axolotl/chaos/journal"
	"axolotl/chaos/serve"
	"axolotl/vm"
)

// newKeeper watches the machines of clusters on this host.
func newKeeper(a *app, db *history.DB) *serve.Keeper {
	return &serve.Keeper{
		Keeps:  serve.KeepsAt(a.home).List,
		Look:   func(ctx context.Context, name string) (map[string]string, error) { return unhealthy(ctx, a, name) },
		Record: db.RecordRecreation, Recent: db.Recreations,
		InUse: func(name string) (bool, error) {
			c, err := a.clusters().Load(name)
			if err != nil {
				return false, err
			}
			live, err := journal.At(c.Path("journal")).Live()
			return len(live) > 0, err
		},
	}
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
