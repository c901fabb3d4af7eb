package local

import (
	"context"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// Machines implements vm.Driver. A simulated node runs where the supervisor
// does and the node has power. As long as the API server does not answer,
// nodes count as they were started.
func (d *Driver) Machines(ctx context.Context, c *vm.Cluster) ([]vm.MachineStatus, error) {
	supervisors, err := kind.Find(supervisorOf(c.ID))
	if err != nil {
		return nil, err
	}
	every := func(state vm.MachineState, reason string) []vm.MachineStatus {
		statuses := make([]vm.MachineStatus, len(c.Machines))
		for i, m := range c.Machines {
			statuses[i] = vm.MachineStatus{Name: m.Name, State: state, Reason: reason}
		}
		return statuses
	}
	if len(supervisors) == 0 {
		if _, err := os.Stat(ordersPath(c.Dir)); err != nil {
			return every(vm.MachineMissing, "it was never started"), nil
		}
		return every(vm.MachineStopped, fmt.Sprintf("its supervisor does not run; 'axolotl up %s' starts it", c.Name)), nil
	}
	statuses := every(vm.MachineRunning, "")
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, err := client.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return every(vm.MachineRunning, "the API server does not answer yet"), nil //nolint:nilerr // it says so
	}
	power := map[string]string{}
	for i := range list.Items {
		power[list.Items[i].Name] = powerOf(&list.Items[i])
	}
	for i, m := range c.Machines {
		switch power[m.Name] {
		case powerOff:
			statuses[i] = vm.MachineStatus{Name: m.Name, State: vm.MachineStopped, Reason: "its power is off"}
		case powerPaused:
			statuses[i] = vm.MachineStatus{Name: m.Name, State: vm.MachinePaused, Reason: "paused"}
		}
	}
	return statuses, nil
}
