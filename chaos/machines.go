package chaos

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"axolotl/chaos/timeline"
	"axolotl/internal/bug"
	"axolotl/vm"
)

// machinesEvery is how often a driver is asked for the machines of lost nodes that
// tells of none by itself, or has ceased to.
const machinesEvery = time.Second

// machines writes down when the machines of lost nodes go off, and on again, as
// their driver tells, and no fault: some leave them on, and some undos return long
// after a machine runs.
type machines struct {
	driver  vm.Driver
	cluster *vm.Cluster // the record as it was; somebody may note in it who joins
	log     *timeline.Log

	mu  sync.Mutex
	off map[string]bool          // of each lost node: its machine was off when it was looked at last
	on  map[string]time.Duration // when each came on again last, on the clock of the log
}

// followMachines follows those of the nodes that the run has lost, until ctx ends;
// nil where it has lost no machine.
func (r *run) followMachines(ctx context.Context) *machines {
	if !r.experiment.Fault.Effect().Takes.Machines() || len(r.fault.Nodes) == 0 {
		return nil
	}
	record := *r.handle.Cluster
	m := &machines{driver: r.handle.Driver, cluster: &record, log: r.log, off: map[string]bool{}, on: map[string]time.Duration{}}
	for _, n := range r.fault.Nodes {
		m.off[n.Name] = false
	}
	go func() {
		defer func() {
			if broken := bug.Error(recover()); broken != nil { // look tells what is missed
				zap.L().Error("machines are not followed any more", zap.Error(broken))
			}
		}()
		m.follow(ctx)
	}()
	return m
}

// follow notes what the driver tells, and asks it where it does not.
func (m *machines) follow(ctx context.Context) {
	logged := false
	for ctx.Err() == nil {
		if watcher, ok := m.driver.(vm.Watcher); ok {
			told, err := watcher.Watch(ctx, m.cluster)
			if err == nil {
				for status := range told {
					m.note(status)
				}
			} else if ctx.Err() == nil && !logged {
				zap.L().Warn("the driver cannot tell what becomes of machines; it is asked instead", zap.Error(err))
				logged = true // once: it is tried again every second
			}
		}
		m.look(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(machinesEvery):
		}
	}
}

// look asks the driver now. What it cannot tell is not known.
func (m *machines) look(ctx context.Context) {
	if m == nil {
		return
	}
	now, err := m.driver.Machines(ctx, m.cluster)
	if err != nil {
		return
	}
	for _, status := range now {
		m.note(status)
	}
}

// note writes down what has changed.
func (m *machines) note(status vm.MachineStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	off, lost := m.off[status.Name]
	if !lost {
		return
	}
	switch status.State {
	case vm.MachineStopped, vm.MachineMissing:
		if off {
			return
		}
		m.off[status.Name] = true
	case vm.MachineRunning:
		if !off {
			return
		}
		m.off[status.Name], m.on[status.Name] = false, m.log.Now()
	default: // it is on, or nobody knows
		return
	}
	m.log.Add(timeline.Observation{Machine: &timeline.Machine{Node: status.Name, On: off}})
}

// allOn is when the last of them came on, where all did since an instant; 0: not all.
func (m *machines) allOn(since time.Duration) time.Duration {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var last time.Duration
	for name, off := range m.off {
		at := m.on[name]
		if off || at < since {
			return 0
		}
		last = max(last, at)
	}
	return last
}
