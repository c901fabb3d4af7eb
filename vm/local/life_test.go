package local_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/kubeadm"
	"axolotl/vm/local/localtest"
)

// everything is what runs in a whole cluster.
var everything = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "supervisor"}

// TestLife takes one cluster from up to down, through what may happen to it.
func TestLife(t *testing.T) {
	t.Parallel()
	l := &life{Cluster: localtest.New(t, 2)}
	if id, err := l.Driver.Salvage(t.Context(), l.Name, l.Dir); err != nil || id != "" {
		t.Errorf("before up: ID %q, error %v", id, err)
	}
	l.handle = up(t, l.Cluster)
	for _, chapter := range []struct {
		name string
		tell func(*testing.T)
	}{
		{"up runs everything, once", l.upTwice},
		{"it is nobody else's", l.itsOwn},
		{"nothing listens beyond loopback", l.loopbackOnly},
		{"pods of a Deployment run", l.deployment},
		{"a node that was deleted comes back with its power", l.powerOnRegistersAnew},
		{"a component that is killed comes back", l.killedComponent},
		{"a supervisor that is killed takes its components with it", l.killedSupervisor},
		{"down of what is known by its directory alone", l.salvagedDown},
	} {
		if !t.Run(chapter.name, chapter.tell) {
			return // what follows would fail by it
		}
	}
}

type life struct {
	*localtest.Cluster
	handle *vm.Handle
}

func (l *life) upTwice(t *testing.T) {
	before := pids(t, l.Cluster.Cluster)
	for _, name := range everything {
		if before[name] == 0 {
			t.Errorf("%s does not run", name)
		}
	}
	states(t, l.Cluster, vm.MachineRunning, vm.MachineRunning)
	if _, err := l.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := pids(t, l.Cluster.Cluster); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("a second up changed what runs: %v, was %v", after, before)
	}
}

// itsOwn: what it began with was written by another API server, of which nothing is
// left: neither its authorities nor its port.
func (l *life) itsOwn(t *testing.T) {
	core := l.handle.Kube.Typed.CoreV1()
	told, err := core.ConfigMaps(metav1.NamespaceSystem).Get(t.Context(), "extension-apiserver-authentication", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, file := range map[string]string{"client-ca-file": "ca.crt", "requestheader-client-ca-file": "front-proxy-ca.crt"} {
		own, err := os.ReadFile(filepath.Join(kubeadm.SharedPKI(l.Dir), file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(told.Data[key]) != strings.TrimSpace(string(own)) {
			t.Errorf("%s is not the cluster's %s, and that alone:\n%s", key, file, told.Data[key])
		}
	}
	slice, err := l.handle.Kube.Typed.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault).Get(t.Context(), "kubernetes", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	service, err := core.Services(metav1.NamespaceDefault).Get(t.Context(), "kubernetes", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if port, target := *slice.Ports[0].Port, service.Spec.Ports[0].TargetPort.IntValue(); int(port) != l.APIPort || target != l.APIPort {
		t.Errorf("the API server is said to have port %d, and the Service to lead to %d; it has %d", port, target, l.APIPort)
	}
	leases, err := l.handle.Kube.Typed.CoordinationV1().Leases(metav1.NamespaceSystem).List(t.Context(), metav1.ListOptions{LabelSelector: "apiserver.kubernetes.io/identity=kube-apiserver"})
	if err != nil {
		t.Fatal(err)
	}
	if len(leases.Items) != 1 {
		t.Errorf("%d API servers are said to live", len(leases.Items))
	}
}

func (l *life) loopbackOnly(t *testing.T) {
	for name, pid := range pids(t, l.Cluster.Cluster) {
		for _, table := range []string{"tcp", "tcp6"} {
			for _, address := range listening(t, pid, table) {
				if !strings.HasPrefix(address, "0100007F:") { // 127.0.0.1, as /proc writes it
					t.Errorf("%s listens on %s", name, address)
				}
			}
		}
	}
}

// deployment: they run as far as simulated pods do.
func (l *life) deployment(t *testing.T) {
	apply(t, l.handle, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: axolotl/pingapp:2.0.1}]}
`)
	await(t, 3*time.Minute, "three replicas are available", func(ctx context.Context) error {
		web, err := l.handle.Kube.Typed.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
		if err != nil || web.Status.AvailableReplicas == 3 {
			return err
		}
		return fmt.Errorf("%d are", web.Status.AvailableReplicas)
	})
}

// powerOnRegistersAnew: as its kubelet would.
func (l *life) powerOnRegistersAnew(t *testing.T) {
	name := l.Machines[0].Name
	if err := l.handle.Kube.Typed.CoreV1().Nodes().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := l.Driver.PowerOff(t.Context(), l.Cluster.Cluster, name); err != nil {
		t.Errorf("power off of a node that is gone: %v", err)
	}
	if err := l.Driver.PowerOn(t.Context(), l.Cluster.Cluster, name); err != nil {
		t.Fatal(err)
	}
	await(t, 3*time.Minute, name+" is Ready again", func(ctx context.Context) error {
		return readiness(ctx, l.handle, name, corev1.ConditionTrue)
	})
}

func (l *life) killedComponent(t *testing.T) {
	for _, name := range []string{"etcd", "kube-apiserver", "kwok"} {
		was := pids(t, l.Cluster.Cluster)[name]
		kill(t, was)
		await(t, 3*time.Minute, name+" runs again", func(ctx context.Context) error {
			if now := pids(t, l.Cluster.Cluster)[name]; now == 0 || now == was {
				return fmt.Errorf("%s has pid %d", name, now)
			}
			return l.handle.Kube.Ready(ctx)
		})
	}
}

// killedSupervisor: up starts all again, with what was in the cluster.
func (l *life) killedSupervisor(t *testing.T) {
	note := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "note"}}
	if _, err := l.handle.Kube.Typed.CoreV1().Namespaces().Create(t.Context(), note, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	kill(t, pids(t, l.Cluster.Cluster)["supervisor"])
	await(t, time.Minute, "no process is orphaned", func(context.Context) error {
		if left := pids(t, l.Cluster.Cluster); len(left) > 0 {
			return fmt.Errorf("still running: %v", left)
		}
		return nil
	})
	handle, err := l.Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handle.Kube.Typed.CoreV1().Namespaces().Get(t.Context(), "note", metav1.GetOptions{}); err != nil {
		t.Errorf("what was in the cluster is lost: %v", err)
	}
}

// salvagedDown: nothing is left, and a second down finds that so.
func (l *life) salvagedDown(t *testing.T) {
	id, err := l.Driver.Salvage(t.Context(), l.Name, l.Dir)
	if err != nil || id != l.ID {
		t.Fatalf("ID %q, error %v, want %q", id, err, l.ID)
	}
	lost := *l.Cluster
	lost.Cluster = &vm.Cluster{Name: l.Name, ID: id, Dir: l.Dir}
	if err := lost.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := pids(t, l.Cluster.Cluster); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	for port := l.APIPort; port < l.APIPort+3; port++ {
		listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Errorf("port %d: %v", port, err)
			continue
		}
		listener.Close()
	}
	states(t, l.Cluster, vm.MachineStopped, vm.MachineStopped)
	if err := l.Down(t.Context()); err != nil {
		t.Errorf("a second down: %v", err)
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
