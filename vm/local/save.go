package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

var _ vm.Saver = (*Driver)(nil)

// dataDir is where etcd keeps the cluster's objects, which are all that a
// simulated machine is.
const dataDir = "etcd"

// Save implements vm.Saver. The processes are stopped for it: etcd's files are
// whole then.
func (d *Driver) Save(ctx context.Context, c *vm.Cluster, dir string, step *term.Step) (err error) {
	o, err := readOrders(c.Dir)
	if err != nil {
		return fmt.Errorf("%w; bring the cluster up first ('axolotl up %s')", err, c.Name)
	}
	running, err := kind.Find(supervisorOf(c.ID))
	if err != nil {
		return err
	}
	if len(running) > 0 {
		// Also where ctx has ended: it is not left stopped.
		defer func() {
			err = errors.Join(err, d.start(context.WithoutCancel(ctx), o, step))
			if err == nil {
				err = awaitAPI(ctx, c, step)
			}
		}()
	}
	if err := stopAll(ctx, c.ID, step); err != nil {
		return err
	}
	return store.CopyTree(filepath.Join(dir, dataDir), c.Path(dataDir))
}

// Hardware implements vm.Saver.
func (*Driver) Hardware() string { return "" }

// Fits implements vm.Saver: what is saved lies over nothing.
func (*Driver) Fits(*vm.Cluster, string) error { return nil }

// LoadBytes implements vm.Saver.
func (*Driver) LoadBytes(_ *vm.Cluster, kept string) (uint64, error) {
	bytes, err := store.DiskUsage(filepath.Join(kept, dataDir))
	return uint64(bytes), err //nolint:gosec // no file takes less than nothing
}

// Load implements vm.Saver. A cluster that was stopped runs afterwards, too:
// it has no power of its own.
func (d *Driver) Load(ctx context.Context, c *vm.Cluster, dir string, step *term.Step) (time.Time, []string, error) {
	if err := stopAll(ctx, c.ID, step); err != nil {
		return time.Time{}, nil, err
	}
	if err := os.RemoveAll(c.Path(dataDir)); err != nil {
		return time.Time{}, nil, err
	}
	if err := store.CopyTree(c.Path(dataDir), filepath.Join(dir, dataDir)); err != nil {
		return time.Time{}, nil, err
	}
	started := time.Now()
	actions := d.Up(c)
	for _, action := range actions {
		if err := action.Run(ctx, step); err != nil {
			return time.Time{}, nil, err
		}
	}
	var names []string
	for _, m := range c.Machines {
		names = append(names, m.Name)
	}
	return started, names, nil
}

// awaitAPI waits until the API server of a cluster that was started is ready:
// whoever had it before Save has it after.
func awaitAPI(ctx context.Context, c *vm.Cluster, step *term.Step) error {
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, vm.Deadline)
	defer cancel()
	ready := check.Func("the API server is ready", client.Ready)
	return check.Wait(ctx, ready, pollInterval, func(err error) { step.Status("%v", err) })
}
