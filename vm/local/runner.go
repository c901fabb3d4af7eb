package local

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"

	"go.uber.org/zap"

	"axolotl/internal/check"
)

// runner keeps one component running.
type runner struct {
	component *component
	orders    *orders
	log       *zap.Logger

	ctx    context.Context // ends when the component must
	cancel context.CancelFunc
	done   chan struct{} // closed when it has ended for good
}

func newRunner(c *component, o *orders, log *zap.Logger) *runner {
	ctx, cancel := context.WithCancel(context.Background())
	return &runner{
		component: c, orders: o, log: log.With(zap.String("component", c.name)),
		ctx: ctx, cancel: cancel, done: make(chan struct{}),
	}
}

// stop ends the component and returns when it has ended.
func (r *runner) stop() {
	r.cancel()
	<-r.done
}

// run starts the component once it can be, and again whenever it ends, until
// stop.
func (r *runner) run() {
	defer close(r.done)
	// The kernel ends a process that has asked for it (Pdeathsig) when the
	// thread that started it ends, so this one lives as long as the component.
	runtime.LockOSThread()

	delay := restartFirst
	for {
		if !r.awaitNeeds() {
			return
		}
		started := time.Now()
		err := r.once()
		if r.ctx.Err() != nil {
			return
		}
		if time.Since(started) > restartMost {
			delay = restartFirst
		}
		r.log.Warn("ended; it is started again", zap.Error(err), zap.Duration("after", delay))
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(delay):
		}
		delay = min(2*delay, restartMost)
	}
}

// awaitNeeds waits until the component can be started; it is false where it
// must end instead.
func (r *runner) awaitNeeds() bool {
	if r.component.needs == nil {
		return true
	}
	needs := check.Func("what "+r.component.name+" needs", r.component.needs)
	return check.Wait(r.ctx, needs, pollInterval, nil) == nil
}

// once runs the component until it ends.
func (r *runner) once() error {
	output, err := openLog(r.orders.Dir, r.component.name)
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.CommandContext(r.ctx, r.component.argv[0], r.component.argv[1:]...)
	cmd.Dir = r.orders.Dir
	cmd.Env = slices.Concat(os.Environ(), r.component.env, r.orders.environ(r.component.name))
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = componentGrace // then SIGKILL
	if err := cmd.Start(); err != nil {
		return err
	}
	r.log.Info("started", zap.Int("pid", cmd.Process.Pid), zap.Stringer("command", r.component))
	return cmd.Wait()
}
