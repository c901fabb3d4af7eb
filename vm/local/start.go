package local

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"axolotl/internal/daemon"
	"axolotl/internal/store"
	"axolotl/internal/term"
)

// pollInterval is short: what is waited for here takes fractions of a second.
const pollInterval = 20 * time.Millisecond

// logPath is where a component's output goes.
func logPath(dir, component string) string { return filepath.Join(dir, "logs", component+".log") }

// start starts the supervisor of a cluster, unless it runs, and returns when
// that has taken its orders. Its environment names the cluster, so that it can
// be found from its first moment on.
func (d *Driver) start(ctx context.Context, o *orders, step *term.Step) error {
	running, err := kind.Find(supervisorOf(o.Cluster.ID))
	if err != nil || len(running) > 0 && supervises(o.Dir) {
		return err
	}
	// What runs nevertheless is on its way out: a supervisor that was told to
	// stop, or components of one that was killed. They hold ports and data.
	if err := stopAll(ctx, o.Cluster.ID, step); err != nil {
		return err
	}
	if err := awaitPorts(ctx, o.Cluster.APIPort); err != nil {
		return err
	}
	if err := store.RemoveFile(markPath(o.Dir)); err != nil {
		return err
	}
	if err := o.write(); err != nil {
		return err
	}
	if err := store.WriteFile(o.path("stages.yaml"), stages, 0o644); err != nil {
		return err
	}
	cmd, err := d.Supervisor(o.Dir)
	if err != nil {
		return err
	}
	who := daemon.Process{Cluster: o.Cluster.ID, Dir: o.Dir, Component: supervisorName}
	return kind.Launch(ctx, cmd, who, logPath(o.Dir, supervisorName), supervising)
}

func openLog(dir, component string) (*os.File, error) {
	return os.OpenFile(logPath(dir, component), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}
