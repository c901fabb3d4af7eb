// Package localtest gives tests a real cluster: a real control plane with
// simulated nodes, made by the local driver from the programs in the user's
// cache.
//
// A start costs seven seconds of a processor. Tests that do not harm a cluster
// share one by Main; those that harm its nodes, and mend them, have one of a Pool
// after one another; the others Start their own.
package localtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
	"axolotl/vm/local"
)

// readyDeadline is how long a cluster may take on a busy machine.
const readyDeadline = 5 * time.Minute

// Start starts a cluster for a test, with one control-plane node and workers
// up to nodes in all, and stops it when the test ends. It is ready for use:
// all nodes are Ready, and pods can be made in the namespace "default". Under
// -short the test is skipped.
func Start(t testing.TB, nodes int) *vm.Handle {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	c := New(t, nodes)
	handle, err := c.Up(t.Context())
	t.Cleanup(func() {
		if t.Failed() {
			c.dumpLogs(t.Output())
		}
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return handle
}

// Main runs the tests of a package with one cluster for all of them, which it
// gives to use beforehand. It returns the exit code for TestMain. Under -short
// there is no cluster, and use is not called.
func Main(m *testing.M, nodes int, use func(*vm.Handle)) int {
	flag.Parse() // or Short is not known yet
	if testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "axolotl-localtest-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	running.dir = dir
	c, err := newCluster(dir, nodes)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	handle, err := c.Up(context.Background())
	code := 1
	if err == nil {
		use(handle)
		code = m.Run()
	}
	if code != 0 {
		c.dumpLogs(os.Stderr)
	}
	if err := errors.Join(err, c.Down(context.Background()), stopPools(context.Background())); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// Cluster is a cluster of a test that is not up yet.
type Cluster struct {
	*vm.Cluster
	Driver *local.Driver

	home store.Home
}

// New plans a cluster in a directory of the test.
func New(t testing.TB, nodes int) *Cluster {
	t.Helper()
	c, err := newCluster(t.TempDir(), nodes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newCluster(dir string, nodes int) (*Cluster, error) {
	home, err := store.FindHome() // its cache holds the programs
	if err != nil {
		return nil, err
	}
	home.State = filepath.Join(dir, "state")
	driver := local.New(home)
	driver.Supervisor = tethered
	c := &vm.Cluster{
		Name: "test", ID: uuid.NewString(), Driver: local.Name, Phase: vm.PhaseCreating, Created: time.Now(),
		Spec: vm.Spec{ControlPlanes: 1, Workers: nodes - 1, CPUs: 2, MemoryMiB: 2048, DiskGiB: 10},
		Dir:  home.Cluster("test"),
	}
	return &Cluster{Cluster: c, Driver: driver, home: home}, os.MkdirAll(c.Dir, 0o700)
}

// Up brings the cluster up and waits until it is ready for use.
func (c *Cluster) Up(ctx context.Context) (*vm.Handle, error) {
	if len(c.Machines) == 0 {
		if err := c.plan(ctx); err != nil {
			return nil, err
		}
	}
	if err := runActions(ctx, c.Driver.Up(c.Cluster)); err != nil {
		return nil, err
	}
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return nil, err
	}
	handle := &vm.Handle{Cluster: c.Cluster, Driver: c.Driver, Kube: client, Kubectl: func(ctx context.Context, progress *term.Progress) (string, error) {
		return image.Kubectl(ctx, c.home, progress)
	}}
	ctx, cancel := context.WithTimeout(ctx, readyDeadline)
	defer cancel()
	return handle, check.Wait(ctx, ready(handle), 20*time.Millisecond, nil)
}

// plan records the cluster.
func (c *Cluster) plan(ctx context.Context) error {
	if err := c.Driver.Plan(ctx, c.Cluster); err != nil {
		return err
	}
	return store.WriteJSON(c.Path(vm.RecordFile), c.Cluster)
}

// Down stops the cluster. Its files are the test's.
func (c *Cluster) Down(ctx context.Context) error {
	return runActions(ctx, c.Driver.Down(c.Cluster))
}

func runActions(ctx context.Context, actions []vm.Action) error {
	progress := term.NewProgress(io.Discard, true)
	for _, action := range actions {
		err := progress.Do(action.Name, func(step *term.Step) error { return action.Run(ctx, step) })
		if err != nil {
			return fmt.Errorf("%s: %w", action.Name, err)
		}
	}
	return nil
}

// ready holds when tests can make pods: they need a Ready node and a service
// account.
func ready(h *vm.Handle) check.Condition {
	return check.Func("the test cluster is ready", func(ctx context.Context) error {
		if err := h.Kube.Serves(ctx); err != nil {
			return err
		}
		nodes, err := h.Kube.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(nodes.Items) < len(h.Cluster.Machines) {
			return fmt.Errorf("%d of %d nodes registered", len(nodes.Items), len(h.Cluster.Machines))
		}
		for i := range nodes.Items {
			if node := &nodes.Items[i]; !usable(node) {
				return fmt.Errorf("node %s is not Ready", node.Name)
			}
		}
		_, err = h.Kube.Typed.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// usable tells whether a node is Ready and its taint for not being so is gone.
func usable(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue && len(node.Spec.Taints) == 0
		}
	}
	return false
}

// dumpLogs shows the end of each component's log.
func (c *Cluster) dumpLogs(w io.Writer) {
	const most = 3000 // bytes of each
	logs, _ := filepath.Glob(c.Path("logs", "*.log"))
	for _, path := range logs {
		data, err := os.ReadFile(path)
		if err == nil {
			fmt.Fprintf(w, "--- %s ---\n%s\n", filepath.Base(path), data[max(0, len(data)-most):])
		}
	}
}
