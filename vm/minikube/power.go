package minikube

import (
	"context"

	"axolotl/vm"
)

// PowerOff implements vm.Powerer as near as minikube comes to it: "node stop"
// shuts a machine down in order. That is why these are no real machines to
// faults (Traits): a power cut would be none.
func (d *Driver) PowerOff(ctx context.Context, c *vm.Cluster, name string) error {
	return power(ctx, c, name, "stop")
}

// PowerOn implements vm.Powerer.
func (d *Driver) PowerOn(ctx context.Context, c *vm.Cluster, name string) error {
	return power(ctx, c, name, "start")
}

func power(ctx context.Context, c *vm.Cluster, name, do string) error {
	if _, err := machine(c, name); err != nil {
		return err
	}
	_, err := of(c).run(ctx, nil, "node", do, name)
	return err
}
