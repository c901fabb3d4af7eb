package local_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/local"
	"axolotl/vm/local/localtest"
)

// everything is what runs in a whole cluster.
var everything = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "supervisor"}

// pids returns the processes of a cluster by component.
func pids(t *testing.T, c *vm.Cluster) map[string]int {
	t.Helper()
	processes, err := local.Processes(c.ID)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, p := range processes {
		found[p.Component] = p.PID
	}
	return found
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// await waits for a condition, or fails the test.
func await(t *testing.T, limit time.Duration, name string, condition func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := check.Wait(ctx, check.Func(name, condition), 50*time.Millisecond, nil); err != nil {
		t.Fatal(err)
	}
}

func up(t *testing.T, c *localtest.Cluster) *vm.Handle {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	handle, err := c.Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return handle
}

func TestUpAndDown(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	c := localtest.New(t, 3)
	up(t, c)
	before := pids(t, c.Cluster)
	for _, name := range everything {
		if before[name] == 0 {
			t.Errorf("%s does not run", name)
		}
	}
	states(t, c, vm.MachineRunning, vm.MachineRunning, vm.MachineRunning)

	if _, err := c.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := pids(t, c.Cluster); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("a second up changed what runs: %v, was %v", after, before)
	}

	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := pids(t, c.Cluster); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	for port := c.APIPort; port < c.APIPort+3; port++ {
		listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Errorf("port %d: %v", port, err)
			continue
		}
		listener.Close()
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("files outside of the cluster's directory: %v, %v", left, err)
	}
	states(t, c, vm.MachineStopped, vm.MachineStopped, vm.MachineStopped)
	if err := c.Down(t.Context()); err != nil {
		t.Errorf("a second down: %v", err)
	}
}

// states checks the states of all machines.
func states(t *testing.T, c *localtest.Cluster, want ...vm.MachineState) {
	t.Helper()
	statuses, err := c.Driver.Machines(t.Context(), c.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	var got []vm.MachineState
	for _, status := range statuses {
		got = append(got, status.State)
	}
	if !slices.Equal(got, want) {
		t.Errorf("machines are %v, want %v", statuses, want)
	}
}

func TestNothingListensBeyondLoopback(t *testing.T) {
	t.Parallel()
	c := localtest.New(t, 1)
	up(t, c)
	processes := pids(t, c.Cluster)
	for name, pid := range processes {
		for _, table := range []string{"tcp", "tcp6"} {
			for _, address := range listening(t, pid, table) {
				if !strings.HasPrefix(address, "0100007F:") { // 127.0.0.1, as /proc writes it
					t.Errorf("%s listens on %s", name, address)
				}
			}
		}
	}
}

// listening returns the addresses that a process listens on, as /proc/net has
// them.
func listening(t *testing.T, pid int, table string) []string {
	t.Helper()
	sockets := map[string]bool{}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			sockets[target] = true
		}
	}
	data, err := os.ReadFile("/proc/net/" + table)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, line := range strings.Split(string(data), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 9 && fields[3] == "0A" && sockets["socket:["+fields[9]+"]"] {
			addresses = append(addresses, fields[1])
		}
	}
	return addresses
}

func TestKilledComponentComesBack(t *testing.T) {
	t.Parallel()
	c := localtest.New(t, 1)
	h := up(t, c)
	for _, name := range []string{"etcd", "kube-apiserver", "kwok"} {
		was := pids(t, c.Cluster)[name]
		kill(t, was)
		await(t, time.Minute, name+" runs again", func(ctx context.Context) error {
			if now := pids(t, c.Cluster)[name]; now == 0 || now == was {
				return fmt.Errorf("%s has pid %d", name, now)
			}
			return h.Kube.Ready(ctx)
		})
	}
}

// A supervisor that is killed takes its components with it; up starts all
// again with what was in the cluster, and down finds nothing to be left.
func TestKilledSupervisor(t *testing.T) {
	t.Parallel()
	c := localtest.New(t, 1)
	h := up(t, c)
	note := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "note"}}
	if _, err := h.Kube.Typed.CoreV1().Namespaces().Create(t.Context(), note, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	killSupervisor(t, c)
	h = up(t, c)
	if _, err := h.Kube.Typed.CoreV1().Namespaces().Get(t.Context(), "note", metav1.GetOptions{}); err != nil {
		t.Errorf("what was in the cluster is lost: %v", err)
	}
	killSupervisor(t, c)
	if err := c.Down(t.Context()); err != nil {
		t.Error(err)
	}
}

func killSupervisor(t *testing.T, c *localtest.Cluster) {
	t.Helper()
	kill(t, pids(t, c.Cluster)["supervisor"])
	await(t, 10*time.Second, "no process is orphaned", func(context.Context) error {
		if left := pids(t, c.Cluster); len(left) > 0 {
			return fmt.Errorf("still running: %v", left)
		}
		return nil
	})
}

// A component that lost its supervisor in some other way is ended by down.
func TestSalvage(t *testing.T) {
	t.Parallel()
	c := localtest.New(t, 1)
	if id, err := c.Driver.Salvage(t.Context(), c.Name, c.Dir); err != nil || id != "" {
		t.Errorf("before up: ID %q, error %v", id, err)
	}
	up(t, c)
	id, err := c.Driver.Salvage(t.Context(), c.Name, c.Dir)
	if err != nil || id != c.ID {
		t.Fatalf("ID %q, error %v, want %q", id, err, c.ID)
	}
	lost := *c
	lost.Cluster = &vm.Cluster{Name: c.Name, ID: id, Dir: c.Dir}
	if err := lost.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if left := pids(t, c.Cluster); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}

func TestPowerOff(t *testing.T) {
	t.Parallel()
	c := localtest.New(t, 2)
	h := up(t, c)
	off, on := c.Machines[1].Name, c.Machines[0].Name
	told, err := c.Driver.Watch(t.Context(), c.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	tells(t, told, on, vm.MachineRunning)
	tells(t, told, off, vm.MachineRunning)
	for range 2 { // the second time it is off already
		if err := c.Driver.PowerOff(t.Context(), c.Cluster, off); err != nil {
			t.Fatal(err)
		}
	}
	states(t, c, vm.MachineRunning, vm.MachineStopped)
	tells(t, told, off, vm.MachineStopped)
	// Kubernetes finds out by itself, 50 s after the last sign of life.
	await(t, 3*time.Minute, off+" is no longer Ready", func(ctx context.Context) error {
		return readiness(ctx, h, off, corev1.ConditionUnknown)
	})
	if err := readiness(t.Context(), h, on, corev1.ConditionTrue); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := c.Driver.PowerOn(t.Context(), c.Cluster, off); err != nil {
			t.Fatal(err)
		}
	}
	await(t, time.Minute, off+" is Ready again", func(ctx context.Context) error {
		return readiness(ctx, h, off, corev1.ConditionTrue)
	})
	states(t, c, vm.MachineRunning, vm.MachineRunning)
	tells(t, told, off, vm.MachineRunning)

	// With its supervisor all of it ends, and so does what tells of it.
	kill(t, pids(t, c.Cluster)["supervisor"])
	tells(t, told, on, vm.MachineStopped)
	tells(t, told, off, vm.MachineStopped)
	if status, ok := <-told; ok {
		t.Errorf("after the end it tells %+v", status)
	}

	if err := c.Driver.PowerOff(t.Context(), c.Cluster, "nobody"); err == nil || !strings.Contains(err.Error(), "no machine") {
		t.Errorf("a machine that does not exist: %v", err)
	}
}

// tells waits for the word that a machine is in a state, which is the next one.
func tells(t *testing.T, told <-chan vm.MachineStatus, machine string, state vm.MachineState) {
	t.Helper()
	select {
	case status := <-told:
		if status.Name != machine || status.State != state {
			t.Errorf("it tells %+v, want that %s is %s", status, machine, state)
		}
	case <-time.After(time.Minute):
		t.Fatalf("nobody tells that %s is %s", machine, state)
	}
}

// readiness is nil where a node's condition Ready has this status.
func readiness(ctx context.Context, h *vm.Handle, name string, want corev1.ConditionStatus) error {
	node, err := h.Kube.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == want {
			return nil
		}
	}
	return fmt.Errorf("node %s is not Ready=%s", name, want)
}

// A node that was deleted comes back with its power, as its kubelet would.
func TestPowerOnRegistersAnew(t *testing.T) {
	t.Parallel()
	c := localtest.New(t, 1)
	h := up(t, c)
	name := c.Machines[0].Name
	if err := h.Kube.Typed.CoreV1().Nodes().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Driver.PowerOff(t.Context(), c.Cluster, name); err != nil {
		t.Errorf("power off of a node that is gone: %v", err)
	}
	if err := c.Driver.PowerOn(t.Context(), c.Cluster, name); err != nil {
		t.Fatal(err)
	}
	await(t, time.Minute, name+" is Ready again", func(ctx context.Context) error {
		return readiness(ctx, h, name, corev1.ConditionTrue)
	})
}

// Pods of a Deployment run, as far as simulated pods do.
func TestDeployment(t *testing.T) {
	t.Parallel()
	c := localtest.New(t, 2)
	h := up(t, c)
	objects := `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: axolotl/pingapp:2.0.1}]}
`
	apply(t, h, objects)
	await(t, time.Minute, "three replicas are available", func(ctx context.Context) error {
		web, err := h.Kube.Typed.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
		if err != nil || web.Status.AvailableReplicas == 3 {
			return err
		}
		return fmt.Errorf("%d are", web.Status.AvailableReplicas)
	})
}

func apply(t *testing.T, h *vm.Handle, manifests string) {
	t.Helper()
	objects, err := kube.Decode([]byte(manifests))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Kube.Apply(t.Context(), "default", objects...); err != nil {
		t.Fatal(err)
	}
}
