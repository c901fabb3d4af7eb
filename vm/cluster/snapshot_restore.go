package cluster

import (
	"context"
	"fmt"
	"slices"

	"axolotl/internal/term"
	"axolotl/vm"
)

// RestoreSnapshot brings a cluster back to what it was when the snapshot was
// saved: machines, disks, etcd and memory together. What it is now gives way,
// whatever it is; snapshots and reports stay. An interrupted one is completed
// by Up.
func (s Store) RestoreSnapshot(ctx context.Context, snapshot string, options UpOptions, progress *term.Progress) (*vm.Handle, error) {
	c, release, err := s.take(options.Name)
	if err != nil {
		return nil, err
	}
	defer release()
	if c.Phase == vm.PhaseDeleting {
		return nil, errDeleting(c)
	}
	driver, err := options.Open(c)
	if err != nil {
		return nil, err
	}
	// Nothing gives way before what comes is seen to be there.
	saver, err := vm.SaverOf(driver)
	if err != nil {
		return nil, err
	}
	if _, err := s.fittingSnapshot(c, saver, snapshot); err != nil {
		return nil, err
	}
	c.BeginRestoring(snapshot)
	if err := s.Save(c); err != nil {
		return nil, err
	}
	return s.bringUp(ctx, c, driver, options, progress)
}

// outliving are what those above keep beside a cluster's record, and still need
// when it is restored: the journal, as a fault may be in the snapshot, and the
// lab that is done by hand, whose way back the restore may be.
var outliving = []string{"journal", "lab.json", "lab.lock", "labs"}

// restore makes of a cluster in PhaseRestoring what its snapshot holds.
func (s Store) restore(ctx context.Context, c *vm.Cluster, driver vm.Driver, options UpOptions, progress *term.Progress) (*vm.Handle, error) {
	saver, err := vm.SaverOf(driver)
	if err != nil {
		return nil, err
	}
	shot, err := s.fittingSnapshot(c, saver, c.Snapshot)
	if err != nil {
		return nil, fmt.Errorf("%w; cluster %q was being restored from it: restore another one, or have the cluster back empty ('axolotl recreate %s')", err, c.Name, c.Name)
	}
	handle := s.handle(c, driver)
	var running []string
	actions := append(driver.Down(c), emptied(c, outliving...), vm.Action{
		Name: "Restore the machines", Run: func(ctx context.Context, step *term.Step) (err error) {
			c.Become(&shot.Cluster)
			if err := s.record(ctx, driver, c); err != nil { // with ports for those that have none
				return err
			}
			if err := copyCredentials(c, shot.dir); err != nil {
				return err
			}
			c.Resumed, running, err = saver.Load(ctx, c, shot.dir, step)
			return err
		}})
	if err := Run(ctx, progress, actions); err != nil {
		return nil, err
	}
	return handle, Run(ctx, progress, append(s.awake(handle, running), s.finish(handle, options)))
}

// awake lists what waits for the restored machines that run.
func (s Store) awake(h *vm.Handle, running []string) []vm.Action {
	c := only(h.Cluster, running)
	if !slices.ContainsFunc(c.Machines, func(m vm.Machine) bool { return m.Role == vm.ControlPlane }) {
		return nil // it was saved while it was off
	}
	awake := &vm.Handle{Cluster: c, Driver: h.Driver}
	open := openAPI(awake)
	actions := []vm.Action{{Name: open.Name, Run: func(ctx context.Context, step *term.Step) error {
		err := open.Run(ctx, step)
		h.Kube = awake.Kube
		return err
	}}}
	if h.Driver.Traits().RealPods {
		return append(actions, serve(awake)...)
	}
	return append(actions, s.form(awake)...)
}
