package libvirt

import (
	"context"
	"errors"
	"sync"

	"axolotl/vm"
)

var _ vm.Watcher = (*Driver)(nil)

// Watch implements vm.Watcher. An event says only that something happened; what
// a machine is now libvirt is asked, so that no order of events can deceive.
func (d *Driver) Watch(ctx context.Context, c *vm.Cluster) (<-chan vm.MachineStatus, error) {
	ctx, stop := context.WithCancel(ctx)
	events, err := d.events(ctx, c) // before the first look: what happens meanwhile is not missed
	if err != nil {
		stop()
		return nil, err
	}
	now, err := d.Machines(ctx, c)
	if err != nil {
		stop()
		return nil, err
	}
	told := make(chan vm.MachineStatus)
	tell := func(status vm.MachineStatus) bool {
		select {
		case told <- status:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		defer close(told)
		defer stop()
		for _, status := range now {
			if !tell(status) {
				return
			}
		}
		for uuid := range events {
			for _, m := range c.Machines {
				if m.UUID != uuid {
					continue
				}
				status, err := d.status(ctx, &m)
				if err != nil || !tell(status) {
					return
				}
			}
		}
	}()
	return told, nil
}

// events are those of all hosts of a cluster. They end where those of one do.
func (d *Driver) events(ctx context.Context, c *vm.Cluster) (<-chan string, error) {
	places := d.places(c)
	if len(places) == 1 {
		return d.hypervisor.Events(ctx)
	}
	ctx, stop := context.WithCancel(ctx)
	all := make(chan string)
	var group sync.WaitGroup
	for _, p := range places {
		events, err := p.hypervisor.Events(ctx)
		if err != nil {
			stop()
			return nil, err
		}
		group.Go(func() {
			defer stop()
			for uuid := range events {
				select {
				case all <- uuid:
				case <-ctx.Done():
				}
			}
		})
	}
	go func() {
		group.Wait()
		stop()
		close(all)
	}()
	return all, nil
}

// status is the state of one machine now.
func (d *Driver) status(ctx context.Context, m *vm.Machine) (vm.MachineStatus, error) {
	dom, err := d.at(m).domain(ctx, m.UUID)
	if errors.Is(err, errNoDomain) {
		return vm.MachineStatus{Name: m.Name, State: vm.MachineMissing, Reason: "libvirt has no such domain"}, nil
	}
	return vm.MachineStatus{Name: m.Name, State: dom.State, Reason: dom.Reason}, err
}
