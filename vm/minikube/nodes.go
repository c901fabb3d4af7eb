package minikube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"axolotl/vm"
)

// exitNotFound is what minikube exits with where the profile, or a machine, is
// not there (ExGuestNotFound).
const exitNotFound = 85

// nodes are the names of the machines that a profile has, in minikube's order;
// none where there is no such profile.
func nodes(ctx context.Context, c *vm.Cluster) ([]string, error) {
	out, err := of(c).run(ctx, nil, "node", "list")
	var failed *Error
	if errors.As(err, &failed) && failed.ExitCode == exitNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(out) {
		if name, _, ok := strings.Cut(line, "\t"); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// nodeStatus is what "status --output json" says of a machine.
type nodeStatus struct {
	Name, Host, Kubelet, APIServer, Kubeconfig string
	Worker                                     bool
}

// statuses asks what machines of a profile are. minikube exits non-zero where
// one of them is not as it should be, which is no error; and it says nothing of
// any where one does not exist, so that each is asked for then.
func statuses(ctx context.Context, c *vm.Cluster, names []string) (map[string]nodeStatus, error) {
	found := map[string]nodeStatus{}
	all, err := status(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		found[s.Name] = s
	}
	for _, name := range names {
		if _, ok := found[name]; ok {
			continue
		}
		one, err := status(ctx, c, "--node", name)
		if err != nil {
			return nil, err
		}
		for _, s := range one {
			found[name] = s
		}
	}
	return found, nil
}

func status(ctx context.Context, c *vm.Cluster, flags ...string) ([]nodeStatus, error) {
	out, failed := of(c).run(ctx, nil, append([]string{"status", "--output", "json"}, flags...)...)
	if ctx.Err() != nil {
		return nil, failed
	}
	// One machine is an object, several are a list, and none is null.
	var all []nodeStatus
	var one nodeStatus
	text := []byte(strings.TrimSpace(out))
	if len(text) == 0 {
		return nil, failed
	}
	if json.Unmarshal(text, &all) == nil {
		return all, nil
	}
	if err := json.Unmarshal(text, &one); err == nil && one.Host != "" {
		return []nodeStatus{one}, nil
	}
	if failed == nil {
		failed = fmt.Errorf("minikube status: it printed %q", oneLine(out))
	}
	return nil, failed
}

// serves tells whether all machines of a profile run and its API server
// answers, so that there is nothing to start.
func serves(ctx context.Context, c *vm.Cluster, names []string) bool {
	if !has(c.Kubeconfig()) {
		return false
	}
	found, err := statuses(ctx, c, names)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool {
		s := found[name]
		return s.Host != hostRunning || s.Kubelet != hostRunning || !s.Worker && (s.APIServer != hostRunning || s.Kubeconfig != "Configured")
	})
}

// These are words that minikube has for hosts: of one that is as it should be,
// and of one that it has never made.
const (
	hostRunning = "Running"
	hostNone    = "Nonexistent"
)

// states are the states of machines, by the words that minikube has for hosts.
var states = map[string]vm.MachineState{
	hostRunning: vm.MachineRunning, "Paused": vm.MachinePaused, "Stopped": vm.MachineStopped, "Saved": vm.MachineStopped,
	"Starting": vm.MachineStopped, "Stopping": vm.MachineRunning, "Error": vm.MachineCrashed, "Timeout": vm.MachineCrashed,
	hostNone: vm.MachineMissing,
}

// Machines implements vm.Driver.
func (d *Driver) Machines(ctx context.Context, c *vm.Cluster) ([]vm.MachineStatus, error) {
	all := make([]vm.MachineStatus, len(c.Machines))
	for i, m := range c.Machines {
		all[i] = vm.MachineStatus{Name: m.Name, State: vm.MachineMissing, Reason: "minikube has no such machine"}
	}
	if o, err := ownerOf(c); err != nil || o == nil {
		return all, err // nothing was begun
	}
	have, err := nodes(ctx, c)
	if err != nil || len(have) == 0 {
		return all, err
	}
	found, err := statuses(ctx, c, have)
	if err != nil {
		return nil, err
	}
	for i, m := range c.Machines {
		s, ok := found[m.Name]
		if !ok {
			continue
		}
		all[i] = vm.MachineStatus{Name: m.Name, State: states[s.Host]}
		if all[i].State != vm.MachineRunning {
			all[i].Reason = "minikube says: " + s.Host
		}
		if all[i].State == "" {
			all[i].State = vm.MachineCrashed // it is a word that nobody has heard yet
		}
	}
	return all, nil
}
