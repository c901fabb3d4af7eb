package local_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/vm"
	"axolotl/vm/local"
	"axolotl/vm/local/localtest"
)

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
	apply(t, h, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: stays}
spec: {nodeName: %s, containers: [{name: main, image: none}]}
`, off))
	runs := func(restarts int32) func(context.Context) error {
		return func(ctx context.Context) error {
			pod, err := h.Kube.Typed.CoreV1().Pods("default").Get(ctx, "stays", metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, condition := range pod.Status.Conditions {
				if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue && pod.Status.ContainerStatuses[0].RestartCount == restarts {
					return nil
				}
			}
			return fmt.Errorf("its status is %+v", pod.Status)
		}
	}
	await(t, time.Minute, "the pod runs", runs(0))
	first := bootOf(t, h, off)
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
	await(t, 3*time.Minute, off+" is Ready again", func(ctx context.Context) error {
		return readiness(ctx, h, off, corev1.ConditionTrue)
	})
	states(t, c, vm.MachineRunning, vm.MachineRunning)
	tells(t, told, off, vm.MachineRunning)
	await(t, time.Minute, "the pod has started anew", runs(1))
	if second := bootOf(t, h, off); first == "" || second == "" || second == first {
		t.Errorf("it is in boot %q, before it was in %q", second, first)
	}

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

// bootOf is the boot that a node is in.
func bootOf(t *testing.T, h *vm.Handle, node string) string {
	t.Helper()
	n, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), node, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return n.Status.NodeInfo.BootID
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
