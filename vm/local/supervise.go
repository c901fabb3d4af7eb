package local

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"axolotl/internal/daemon"
	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/vm/kubeadm"
)

const (
	// componentGrace is how long a component gets to end by itself.
	componentGrace = 2 * time.Second
	// superviseGrace is how long all components get, one after another.
	superviseGrace = 5 * componentGrace

	// A component that ends is started again after restartFirst, then after
	// twice as long each time up to restartMost, until it has run for
	// restartMost.
	restartFirst = 100 * time.Millisecond
	restartMost  = 10 * time.Second
)

// supervising is what a supervisor says when it has taken its orders.
const supervising = "supervising\n"

// Supervise runs the cluster of a directory until ctx ends: it starts the
// components in order, starts again what ends, and ends all of them before it
// returns. When it is killed, the kernel ends them. It says on answer whether
// it has begun, once, and closes it. One supervisor at a time has a directory.
func Supervise(ctx context.Context, dir string, answer io.WriteCloser, log *zap.Logger) error {
	s, err := newSupervisor(dir, log)
	daemon.Answer(answer, supervising, err)
	if err != nil {
		return err
	}
	defer s.lock.Unlock() //nolint:errcheck // the kernel frees it in a moment
	return s.run(ctx)
}

// markPath is a file that is there while a supervisor means its components to
// run: not before it has begun, and not once it stops.
func markPath(dir string) string { return filepath.Join(dir, "supervising") }

// supervises tells whether the supervisor of a directory, which runs, means to
// go on.
func supervises(dir string) bool {
	_, err := os.Stat(markPath(dir))
	return err == nil
}

type supervisor struct {
	lock   *store.Lock
	orders *orders
	client *kube.Client
	log    *zap.Logger
}

func newSupervisor(dir string, log *zap.Logger) (s *supervisor, err error) {
	lock, err := store.TryLock(filepath.Join(dir, "supervisor.lock"))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Unlock() //nolint:errcheck // the first error says more
		}
	}()
	o, err := readOrders(dir)
	if err != nil {
		return nil, err
	}
	client, err := kube.Open(kubeadm.AdminConf(dir), "")
	if err != nil {
		return nil, err
	}
	if err := store.WriteFile(markPath(dir), nil, 0o600); err != nil {
		return nil, err
	}
	return &supervisor{lock: lock, orders: o, client: client, log: log}, nil
}

// run returns when ctx has ended and all components have.
func (s *supervisor) run(ctx context.Context) error {
	var runners []*runner
	for _, c := range components(s.orders, s.client) {
		r := newRunner(c, s.orders, s.log)
		runners = append(runners, r)
		go r.run()
	}
	registered := make(chan struct{})
	go func() {
		defer close(registered)
		registerNodes(ctx, s.client, &s.orders.Cluster, s.log)
	}()

	<-ctx.Done()
	s.log.Info("stopping")
	err := store.RemoveFile(markPath(s.orders.Dir))
	<-registered
	for _, r := range slices.Backward(runners) {
		r.stop()
	}
	s.log.Info("stopped")
	return err
}
