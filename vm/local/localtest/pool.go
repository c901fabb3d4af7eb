package localtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/vm"
)

// Pool is clusters for tests that break what others would stand on: each has
// one to itself, one after another, as it was lent to the test before. They are
// started as they are asked for, and stopped by Main.
type Pool struct {
	Nodes int // of each
	Most  int // clusters at once; a test waits where all are lent

	patience time.Duration // with what a test has just mended; zero is readyDeadline

	once  sync.Once
	lent  chan struct{} // holds one for each that is lent
	mu    sync.Mutex
	ready []*pooled // nobody has them
}

type pooled struct {
	*Cluster
	handle *vm.Handle
}

// running are the clusters of all pools, which Main stops, and dir is where it
// has them.
var running struct {
	sync.Mutex
	dir      string
	clusters []*Cluster
}

// Lend gives a test a cluster until the test ends. One that does not come back
// as it was is a failure of the test, and is lent to nobody else.
func (p *Pool) Lend(t testing.TB) *vm.Handle {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	p.once.Do(func() { p.lent = make(chan struct{}, p.Most) })
	select {
	case p.lent <- struct{}{}:
	case <-t.Context().Done():
		t.Fatalf("no cluster of the pool came free: %v", context.Cause(t.Context()))
	}
	t.Cleanup(func() { <-p.lent })
	c, err := p.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.giveBack(t, c) })
	return c.handle
}

func (p *Pool) take(ctx context.Context) (*pooled, error) {
	p.mu.Lock()
	if last := len(p.ready) - 1; last >= 0 {
		c := p.ready[last]
		p.ready = p.ready[:last]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()

	c, err := p.plan()
	if err != nil {
		return nil, err
	}
	handle, err := c.Up(ctx)
	return &pooled{Cluster: c, handle: handle}, err
}

// plan plans one more cluster, which Main stops however far it came.
func (p *Pool) plan() (*Cluster, error) {
	running.Lock()
	defer running.Unlock()
	if running.dir == "" {
		return nil, errors.New("nobody would stop a cluster of a pool; have TestMain call localtest.Main")
	}
	dir, err := os.MkdirTemp(running.dir, "pool-*")
	if err != nil {
		return nil, err
	}
	c, err := newCluster(dir, p.Nodes)
	if err != nil {
		return nil, err
	}
	running.clusters = append(running.clusters, c)
	return c, nil
}

func (p *Pool) giveBack(t testing.TB, c *pooled) {
	t.Helper()
	if t.Failed() {
		c.dumpLogs(t.Output())
	}
	limit := readyDeadline
	if p.patience > 0 {
		limit = p.patience
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	defer cancel()
	if err := check.Wait(ctx, p.whole(c.handle), 50*time.Millisecond, nil); err != nil {
		t.Errorf("the cluster does not come back as it was lent: %v", err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = append(p.ready, c)
}

// whole holds when a cluster is as it was when it was new, as far as nodes go.
func (p *Pool) whole(h *vm.Handle) check.Condition {
	return check.Func("all nodes are there, Ready and free of taints", func(ctx context.Context) error {
		nodes, err := h.Kube.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(nodes.Items) != p.Nodes {
			return fmt.Errorf("%d nodes, were %d", len(nodes.Items), p.Nodes)
		}
		return ready(h).Check(ctx)
	})
}

// stopPools stops the clusters of all pools.
func stopPools(ctx context.Context) error {
	running.Lock()
	defer running.Unlock()
	var errs []error
	for _, c := range running.clusters {
		errs = append(errs, c.Down(ctx))
	}
	return errors.Join(errs...)
}
