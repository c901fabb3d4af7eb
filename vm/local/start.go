package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

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
	running, err := findProcesses(supervisorOf(o.Cluster.ID))
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
	if err := os.MkdirAll(o.path("logs"), 0o700); err != nil {
		return err
	}
	log, err := openLog(o.Dir, supervisorName)
	if err != nil {
		return err
	}
	defer log.Close()
	said, says, err := os.Pipe()
	if err != nil {
		return err
	}
	defer said.Close()
	cmd.Dir = o.Dir
	cmd.Env = append(cmd.Environ(), o.environ(supervisorName)...)
	cmd.Stdout, cmd.Stderr = says, log
	// A session of its own: neither Ctrl-C nor the end of the terminal reach it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	says.Close()
	if err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	go cmd.Wait() //nolint:errcheck // only so that it does not stay a zombie while we live

	stop := context.AfterFunc(ctx, func() { said.SetReadDeadline(time.Now()) }) //nolint:errcheck // a pipe has deadlines
	defer stop()
	answer, err := io.ReadAll(said)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case string(answer) != supervising:
		return fmt.Errorf("the supervisor did not start: %s; see %s", strings.TrimSpace(string(answer)), logPath(o.Dir, supervisorName))
	}
	return nil
}

func openLog(dir, component string) (*os.File, error) {
	return os.OpenFile(logPath(dir, component), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}
