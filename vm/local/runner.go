package local

import (
	"context"
	"os"
	"os/exec"
	"runtime"
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
	ready  chan struct{} // closed when it was ready for the first time
	done   chan struct{} // closed when it has ended for good
}

func newRunner(c *component, o *orders, log *zap.Logger) *runner {
	ctx, cancel := context.WithCancel(context.Background())
	return &runner{
		component: c, orders: o, log: log.With(zap.String("component", c.name)),
		ctx: ctx, cancel: cancel, ready: make(chan struct{}), done: make(chan struct{}),
	}
}

// stop ends the component and returns when it has ended.
func (r *runner) stop() {
	r.cancel()
	<-r.done
}

// run starts the component once after is ready, and again whenever it ends,
// until stop.
func (r *runner) run(after *runner) {
	defer close(r.done)
	// The kernel ends a process that has asked for it (Pdeathsig) when the
	// thread that started it ends, so this one lives as long as the component.
	runtime.LockOSThread()

	if after != nil {
		select {
		case <-after.ready:
		case <-r.ctx.Done():
			return
		}
	}
	go r.watchReady()
	delay := restartFirst
	for {
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

// once runs the component until it ends.
func (r *runner) once() error {
	output, err := openLog(r.orders.Dir, r.component.name)
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.CommandContext(r.ctx, r.component.argv[0], r.component.argv[1:]...)
	cmd.Dir = r.orders.Dir
	cmd.Env = append(os.Environ(), r.orders.environ(r.component.name)...)
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

// watchReady closes ready when the component is.
func (r *runner) watchReady() {
	if r.component.ready != nil {
		condition := check.Func(r.component.name+" is ready", r.component.ready)
		if err := check.Wait(r.ctx, condition, pollInterval, nil); err != nil {
			return
		}
	}
	r.log.Info("ready")
	close(r.ready)
}
