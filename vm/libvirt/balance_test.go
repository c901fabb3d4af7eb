package libvirt

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"

	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/vm/kubeadm"
)

// balanceVariable makes this test binary the balancer of the cluster in the
// directory that it names.
const balanceVariable = "AXOLOTL_TEST_BALANCE"

func init() {
	dir := os.Getenv(balanceVariable)
	if dir == "" {
		return
	}
	if err := Balance(context.Background(), dir, os.Stdout, zap.NewNop()); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// realBalancer is this test binary as a balancer.
func realBalancer(dir string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), balanceVariable+"="+dir)
	return cmd, nil
}

// serveAPI plays an API server of a cluster, until the test ends or it is closed:
// it has the cluster's certificate, is ready, and says its name.
func (w *world) serveAPI(name string, port int, pair tls.Certificate) *http.Server {
	w.t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/name", func(out http.ResponseWriter, _ *http.Request) { fmt.Fprint(out, name) })
	s := &http.Server{Handler: mux}
	listener, err := tls.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{Certificates: []tls.Certificate{pair}})
	w.must(err)
	w.t.Cleanup(func() { _ = s.Close() })
	go s.Serve(listener) //nolint:errcheck // that it was closed
	return s
}

// A cluster with three control planes is reached by one address, the end that
// TLS is with being an API server: whichever lives, also past the death of the
// balancer, which the next command mends; and down leaves nothing.
func TestClusterIsReachedByWhicheverLives(t *testing.T) {
	w := newWorld(t)
	certificate, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	w.must(err)
	pair, err := tls.X509KeyPair(certificate, key)
	w.must(err)
	w.adapt = func(d *Driver) {
		d.Balancer = realBalancer
		d.credentials = func(ctx context.Context, program, dir string, config kubeadm.Config) error {
			if err := fakeCredentials(ctx, program, dir, config); err != nil {
				return err
			}
			admin := api.NewConfig()
			admin.Clusters["c"] = &api.Cluster{Server: fmt.Sprintf("https://127.0.0.1:%d", config.HostPort), CertificateAuthorityData: certificate}
			admin.Contexts["c"] = &api.Context{Cluster: "c"}
			admin.CurrentContext = "c"
			data, err := clientcmd.Write(*admin)
			if err != nil {
				return err
			}
			return store.WriteFile(kubeadm.AdminConf(dir), data, 0o600)
		}
	}
	w.must(w.up(w.options("c", three(0))))
	w.healthy("c")
	c := w.load("c")
	client, err := kube.Open(c.Kubeconfig(), "")
	w.must(err)
	reaches := func(want ...string) {
		t.Helper()
		w.await("the cluster is reached by "+strings.Join(want, ", "), func() error {
			name, err := client.Typed.Discovery().RESTClient().Get().AbsPath("/name").DoRaw(t.Context())
			if err == nil && !strings.Contains(strings.Join(want, " "), string(name)) {
				err = fmt.Errorf("it is by %s", name)
			}
			return err
		})
	}
	servers := map[string]*http.Server{}
	for _, m := range c.Machines {
		servers[m.Name] = w.serveAPI(m.Name, m.APIPort, pair)
	}
	reaches("cp-1", "cp-2", "cp-3")
	w.must(servers["cp-1"].Close())
	reaches("cp-2", "cp-3")
	w.must(servers["cp-2"].Close())
	reaches("cp-3")
	w.kill(w.balancers()[0].PID)
	if _, err := client.Typed.Discovery().RESTClient().Get().AbsPath("/name").DoRaw(t.Context()); err == nil {
		t.Error("it is reached without a balancer")
	}
	if _, err := w.clusters().Status(t.Context(), "c", w.open); err != nil {
		t.Error(err)
	}
	reaches("cp-3")
	w.must(servers["cp-3"].Close())
	servers["cp-1"] = w.serveAPI("cp-1", c.Machines[0].APIPort, pair)
	reaches("cp-1")
	gone(w)
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", c.APIPort))
	w.must(err) // the port is free
	w.must(listener.Close())
}

// A balancer whose cluster was deleted by hand ends by itself.
func TestBalancerEndsWithItsCluster(t *testing.T) {
	w := newWorld(t)
	w.adapt = func(d *Driver) { d.Balancer = realBalancer }
	w.must(w.up(w.options("c", three(0))))
	if found := w.balancers(); len(found) != 1 {
		t.Fatalf("balancers %+v", found)
	}
	start := time.Now()
	w.must(os.RemoveAll(w.home.Cluster("c")))
	w.await("the balancer has ended", func() error {
		if left := w.balancers(); len(left) > 0 {
			return fmt.Errorf("%+v", left)
		}
		return nil
	})
	t.Logf("after %s", time.Since(start))
}

// Where somebody has the port, or there is no record, it says so.
func TestBalancerSaysWhyItDoesNotBegin(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", three(0))))
	c := w.load("c")
	other, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", c.APIPort))
	w.must(err)
	defer other.Close()
	for dir, want := range map[string]string{c.Dir: fmt.Sprintf("(pid %d) has the port of cluster \"c\"; end that", os.Getpid()), filepath.Join(c.Dir, "nosuch"): "no such file"} {
		said, says, err := os.Pipe()
		w.must(err)
		err = Balance(t.Context(), dir, says, zap.NewNop())
		text := make([]byte, 1000)
		n, _ := said.Read(text)
		if err == nil || !strings.Contains(err.Error(), want) || string(text[:n]) != err.Error() {
			t.Errorf("error %v, it said %q", err, text[:n])
		}
	}
}
