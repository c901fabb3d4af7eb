package controlplane

import (
	"context"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
	"axolotl/vm/kubeadm"
)

// nodeAddress is one that this host does not have.
const nodeAddress = "10.11.0.1"

// newServer makes the credentials of a cluster whose API server is reached
// through a port of this host, as that of a machine is.
func newServer(t *testing.T) (s *Server, kubeconfig string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the node binary, which may have to be built first")
	}
	program := built(t, image.Node)
	dir := t.TempDir()
	t.Cleanup(func() {
		if logs, err := filepath.Glob(filepath.Join(dir, "*", "*.log")); t.Failed() && err == nil {
			for _, log := range logs {
				text, err := os.ReadFile(log)
				t.Log(log, err, string(text[max(0, len(text)-4000):]))
			}
		}
	})
	ports := freePorts(t, 2)
	config := kubeadm.Config{
		ClusterName: "lab", KubernetesVersion: image.KubernetesVersion,
		ServiceSubnet: vm.ServiceCIDR, PodSubnet: vm.PodCIDR,
		Endpoint: nodeAddress + ":6443", HostPort: 21000, BindPort: 6443,
		Nodes: []kubeadm.Node{{Name: "cp-1", Address: nodeAddress, ControlPlane: true}},
	}
	if err := kubeadm.Make(t.Context(), program, dir, config); err != nil {
		t.Fatal(err)
	}
	return &Server{
		Program: program, PKI: filepath.Join(kubeadm.NodeDir(dir, "cp-1"), "pki"), Data: filepath.Join(dir, "first", "etcd"),
		Node: "cp-1", Address: nodeAddress, PeerURL: "https://" + nodeAddress + ":2380",
		APIHost: "127.89.0.1", APIPort: 6443, EtcdPort: ports[0], PeerPort: ports[1],
	}, kubeadm.AdminConf(dir)
}

// built is the path of a program in the user's cache.
func built(t *testing.T, b image.Binary) string {
	t.Helper()
	home, err := store.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	program, err := b.Ensure(t.Context(), home, term.NewProgress(io.Discard, true).Start(b.Name))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// What First has left is small, and another etcd and API server go on with it:
// the objects are the very same.
func TestFirst(t *testing.T) {
	s, kubeconfig := newServer(t)
	if err := First(t.Context(), s, kubeconfig); err != nil {
		t.Fatal(err)
	}
	if size := sizeOf(t, s.Data); size > 16<<20 {
		t.Errorf("a machine would have to read %d MiB", size>>20)
	}

	var made types.UID
	inspect(t, s, kubeconfig, func(ctx context.Context, client *kube.Client) (err error) {
		if made, err = uidOfSystem(ctx, client); err != nil {
			return err
		}
		leases, err := client.Typed.CoordinationV1().Leases(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: identityLabel})
		if err != nil {
			return err
		}
		if len(leases.Items) > 1 { // this one does
			t.Errorf("%d API servers are said to live", len(leases.Items))
		}
		slices, err := client.Typed.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault).Get(ctx, "kubernetes", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if got := slices.Endpoints[0].Addresses[0]; got != nodeAddress {
			t.Errorf("the API server of the machine is said to be at %s", got)
		}
		if got := *slices.Ports[0].Port; got != 6443 {
			t.Errorf("the API server of the machine is said to have port %d", got)
		}
		return nil
	})
	if err := First(t.Context(), s, kubeconfig); err != nil { // over what it has left
		t.Fatal(err)
	}
	inspect(t, s, kubeconfig, func(ctx context.Context, client *kube.Client) error {
		again, err := uidOfSystem(ctx, client)
		if err == nil && again != made {
			t.Errorf("kube-system was %s and is %s: another cluster was begun", made, again)
		}
		return err
	})
}

// sizeOf is how much is in a directory, in bytes.
func sizeOf(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// uidOfSystem returns who kube-system is.
func uidOfSystem(ctx context.Context, client *kube.Client) (types.UID, error) {
	namespace, err := client.Typed.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return namespace.UID, nil
}

// inspect runs etcd and the API server until look is content.
func inspect(t *testing.T, s *Server, kubeconfig string, look func(context.Context, *kube.Client) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), firstDeadline)
	defer cancel()
	err := with(ctx, s, kubeconfig, nil, func(ctx context.Context, client *kube.Client) error {
		if err := begun(ctx, client); err != nil {
			return err
		}
		return look(ctx, client)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Where one of them cannot run, that is said, and the other does not run on.
func TestFirstEndsItsProcesses(t *testing.T) {
	s, kubeconfig := newServer(t)
	s.Extra = []string{"--no-such-flag"}
	err := First(t.Context(), s, kubeconfig)
	if err == nil || !strings.Contains(err.Error(), "kube-apiserver ended (exit status 1): Error: unknown flag: --no-such-flag") {
		t.Fatalf("error %v", err)
	}
	for _, address := range []string{url(s.APIHost, s.APIPort), url(etcdHost, s.EtcdPort), url(etcdHost, s.PeerPort)} {
		l, err := net.Listen("tcp4", strings.TrimPrefix(address, "https://"))
		if err != nil {
			t.Errorf("something runs on: %v", err)
			continue
		}
		l.Close()
	}
}
