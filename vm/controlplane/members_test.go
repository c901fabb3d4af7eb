package controlplane

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/vm/image"
)

// Three members begin with what First has written, each in its own directory
// only, started by the flags of a machine. One of them is lost, and what is there
// is read and written.
func TestDivide(t *testing.T) {
	s, kubeconfig := newServer(t)
	if err := First(t.Context(), s, kubeconfig); err != nil {
		t.Fatal(err)
	}
	members, servers := divide(t, s)
	// Only now, for this writes into what was divided.
	var want types.UID
	inspect(t, s, kubeconfig, func(ctx context.Context, client *kube.Client) (err error) {
		want, err = uidOfAdmin(ctx, client)
		return err
	})

	var etcds []*process
	var endpoints []string
	for i, m := range servers {
		etcds = append(etcds, run(t, m, append(m.Etcd(),
			"--initial-cluster="+members, "--initial-cluster-state=new",
			"--heartbeat-interval=100", "--election-timeout=1000")))
		if i > 0 {
			endpoints = append(endpoints, url(etcdHost, m.EtcdPort))
		}
	}
	// Beside the one that is lost.
	servers[0].Extra = []string{"--etcd-servers=" + strings.Join(endpoints, ",")}
	api := run(t, servers[0], servers[0].APIServer())
	client, err := open(servers[0], kubeconfig)
	if err != nil {
		t.Fatal(err)
	}

	await(t, "three members serve what First has written", api, func(ctx context.Context) error {
		got, err := uidOfAdmin(ctx, client)
		if err == nil && got != want {
			t.Fatalf("the role is %s and was %s: another one was written", got, want)
		}
		return err
	})
	if err := etcds[0].end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "two members serve", api, func(ctx context.Context) error {
		if _, err := uidOfAdmin(ctx, client); err != nil {
			return err
		}
		written := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "written-"}}
		_, err := client.Typed.CoreV1().ConfigMaps(metav1.NamespaceDefault).Create(ctx, written, metav1.CreateOptions{})
		return err
	})
	if err := etcds[1].end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// Else each would have had a store of its own.
	written := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "alone"}}
	ctx, cancel := context.WithTimeout(t.Context(), stopDeadline/5)
	defer cancel()
	if _, err := client.Typed.CoreV1().ConfigMaps(metav1.NamespaceDefault).Create(ctx, written, metav1.CreateOptions{}); err == nil {
		t.Error("one member of three takes what is written")
	}
}

// divide makes three members of what First has left, and says how they are
// started; the API server is the first one's.
func divide(t *testing.T, s *Server) (members string, servers []*Server) {
	t.Helper()
	const count = 3
	ports := freePorts(t, 2*count)
	var all []Member
	var flag []string
	for i := range count {
		one := *s
		one.Node = fmt.Sprintf("cp-%d", i+1)
		one.EtcdPort, one.PeerPort = ports[2*i], ports[2*i+1]
		one.PeerURL = url(etcdHost, one.PeerPort)
		one.Data = filepath.Join(filepath.Dir(filepath.Dir(s.Data)), one.Node, "etcd")
		servers = append(servers, &one)
		all = append(all, Member{Name: one.Node, PeerURL: one.PeerURL, Data: one.Data})
		flag = append(flag, one.Node+"="+one.PeerURL)
	}
	if err := Divide(t.Context(), built(t, image.Etcdutl), s.Data, all); err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if size := sizeOf(t, m.Data); size > 16<<20 {
			t.Errorf("%s would have to read %d MiB", m.Name, size>>20)
		}
	}
	return strings.Join(flag, ","), servers
}

// run starts a process that ends with the test.
func run(t *testing.T, s *Server, argv []string) *process {
	t.Helper()
	p, err := start(s, argv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.end(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	})
	return p
}

// await waits for what the API server serves.
func await(t *testing.T, name string, api *process, holds func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), firstDeadline)
	defer cancel()
	err := check.Wait(ctx, check.Func(name, func(ctx context.Context) error {
		select {
		case <-api.ended:
			return check.Permanent(fmt.Errorf("it ended: %s", api.lastWords()))
		default:
			return holds(ctx)
		}
	}), pollInterval, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// uidOfAdmin returns which role cluster-admin is.
func uidOfAdmin(ctx context.Context, client *kube.Client) (types.UID, error) {
	role, err := client.Typed.RbacV1().ClusterRoles().Get(ctx, "cluster-admin", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return role.UID, nil
}

// Where it cannot be done, that is said of whom.
func TestDivideErrors(t *testing.T) {
	dir := t.TempDir()
	err := Divide(t.Context(), "false", dir, []Member{{Name: "cp-1", PeerURL: "https://10.11.0.1:2380", Data: filepath.Join(dir, "cp-1")}})
	if err == nil || !strings.Contains(err.Error(), "etcd of cp-1") || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("error %v", err)
	}
}
