package libvirt

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"testing"

	"go.uber.org/zap"

	"axolotl/internal/daemon"
	"axolotl/vm"
	"axolotl/vm/libvirt/sshdtest"
)

// tunnelVariable makes this test binary the tunnel of the cluster in the
// directory that it names.
const tunnelVariable = "AXOLOTL_TEST_TUNNEL"

func init() {
	dir := os.Getenv(tunnelVariable)
	if dir == "" {
		return
	}
	if err := Tunnel(context.Background(), dir, os.Stdout, zap.NewNop()); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// realTunnel is this test binary as a tunnel.
func realTunnel(dir string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), tunnelVariable+"="+dir)
	return cmd, nil
}

// A port of a machine on another host is had here, by a real ssh: also past the
// death of that, and of the tunnel, which the next command mends; machines that
// come are reached too, and down leaves nothing.
func TestTunnel(t *testing.T) {
	server := sshdtest.Start(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	w := newFar(t)
	far := w.adapt
	w.adapt = func(d *Driver) {
		far(d)
		d.uri, d.Tunnel = server.URI(me.Username), realTunnel
	}
	w.must(w.up(w.options("c", spec(0))))
	w.healthy("c")
	c := w.load("c")
	// There, on loopback as well, but at the cluster's own address.
	there := serveThere(w, networkOf(c, &c.Machines[0]).Loopback, c.APIPort)
	reached := func() error { return ask(there, c.APIPort) }
	w.must(reached())

	w.kill(w.part(sshName).PID)
	w.await("the port is there again", reached)

	w.kill(w.part(tunnelName).PID)
	w.await("nothing is left of it", func() error {
		if left := w.balancers(); len(left) > 0 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
	if whole, err := w.driver().Whole(c); whole || err != nil {
		t.Errorf("whole %t, %v", whole, err)
	}
	w.must(w.driver().Mend(t.Context(), c))
	w.must(reached())

	w.must(w.driver().Plan(t.Context(), grown(c)))
	w.must(w.clusters().Save(c))
	port := c.Machines[1].NodePortBase
	there = serveThere(w, networkOf(c, &c.Machines[0]).Loopback, port)
	w.await("a machine that has come is reached", func() error { return ask(there, port) })

	gone(w)
}

// Where nobody lets us in, it says why, and nothing is left to try again.
func TestTunnelThatCannotBegin(t *testing.T) {
	server := sshdtest.Start(t)
	w := newFar(t)
	far := w.adapt
	w.adapt = func(d *Driver) {
		far(d)
		d.uri, d.Tunnel = server.URI("axolotl-nobody"), realTunnel
	}
	err := w.up(w.options("c", spec(0)))
	if err == nil || !contains(err, "the tunnel did not start: ports of cp-1: ssh to 127.0.0.1", "Permission denied", "'axolotl up c' tries again") {
		t.Errorf("error %v", err)
	}
	if left := w.balancers(); len(left) > 0 {
		t.Errorf("processes %v", left)
	}
	gone(w)
}

func contains(err error, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			return false
		}
	}
	return true
}

// grown asks for one more worker of a cluster.
func grown(c *vm.Cluster) *vm.Cluster {
	c.Spec.Workers++
	return c
}

// part is the one process of a tunnel that is this.
func (w *world) part(component string) daemon.Process {
	w.t.Helper()
	for _, p := range w.balancers() {
		if p.Component == component {
			return p
		}
	}
	w.t.Fatalf("no %s runs", component)
	return daemon.Process{}
}

// serveThere listens where a machine's QEMU would, and returns what it says.
func serveThere(w *world, address string, port int) string {
	w.t.Helper()
	word := fmt.Sprintf("%s:%d", address, port)
	listener, err := net.Listen("tcp4", word)
	w.must(err)
	s := &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { fmt.Fprint(out, word) })}
	w.t.Cleanup(func() { _ = s.Close() })
	go s.Serve(listener) //nolint:errcheck // that it was closed
	return word
}

// ask wants a word from a port of this host.
func ask(want string, port int) error {
	// Each time anew: what had the port before may be gone.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err == nil && string(said) != want {
		err = fmt.Errorf("it says %q, want %q", said, want)
	}
	return err
}
