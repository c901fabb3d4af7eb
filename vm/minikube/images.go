package minikube

import (
	"context"
	"errors"
	"fmt"

	"axolotl/vm"
)

// archivePath is where an archive lies in a machine while it is imported: on
// its disk, where /tmp is memory.
const archivePath = "/var/lib/minikube/axolotl-images.tar"

// LoadImages implements vm.ImageLoader by copying and importing the archive
// itself. "minikube image load" would do both, and exits with 0 where a machine
// could not import it, or is not running.
func (d *Driver) LoadImages(ctx context.Context, c *vm.Cluster, archive string) error {
	now, err := d.Machines(ctx, c)
	if err != nil {
		return err
	}
	for _, m := range now { // before anything is done in one
		if m.State != vm.MachineRunning {
			return fmt.Errorf("machine %s is %s; start it first ('axolotl node start %s %s')", m.Name, m.State, c.Name, m.Name)
		}
	}
	for _, m := range now {
		if err := d.importInto(ctx, c, m.Name, archive); err != nil {
			return err
		}
	}
	return nil
}

func (d *Driver) importInto(ctx context.Context, c *vm.Cluster, machine, archive string) (err error) {
	defer func() {
		_, removing := d.Exec(context.WithoutCancel(ctx), c, machine, "rm", "-f", archivePath)
		err = errors.Join(err, removing)
	}()
	if _, err := of(c).run(ctx, nil, "cp", archive, machine+":"+archivePath); err != nil {
		return err
	}
	_, err = d.Exec(ctx, c, machine, "ctr", "--namespace", "k8s.io", "images", "import", archivePath)
	return err
}
