package libvirt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"axolotl/internal/check"
	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/image"
)

// three is what clusters of three control planes are asked for.
func three(workers int) vm.Spec {
	s := spec(workers)
	s.ControlPlanes = 3
	return s
}

// Every machine of a cluster with three control planes has a way to all three
// API servers, and none of a cluster with one has more than it had.
func TestGatewayInSeeds(t *testing.T) {
	const unit, settings = "etc/systemd/system/axolotl-gateway.service", "etc/sysctl.d/90-axolotl.conf"
	const wants = "etc/systemd/system/multi-user.target.d/axolotl-gateway.conf"
	c, all := seeded(t)
	for _, m := range c.Machines {
		files := all[m.Name]
		if !strings.Contains(files[unit], "--listen-addr=127.0.0.1:7443 --endpoints=10.88.0.11:6443,10.88.0.12:6443,10.88.0.13:6443 ") {
			t.Errorf("%s has the gateway %q", m.Name, files[unit])
		}
		if !strings.Contains(files[wants], "Wants=axolotl-gateway.service") {
			t.Errorf("%s starts no gateway: %q", m.Name, files[wants])
		}
		if !strings.Contains(files[settings], "net.ipv4.ip_forward = 1\n") || !strings.HasSuffix(files[settings], gatewaySettings) {
			t.Errorf("%s has settings %q", m.Name, files[settings])
		}
	}
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(1))))
	for _, m := range w.load("c").Machines {
		files := untar(t, w.load("c").Path("machines", m.Name, seedFile))
		for _, name := range []string{unit, settings, wants} {
			if text, ok := files[name]; ok {
				t.Errorf("%s of a cluster with one control plane has %s: %q", m.Name, name, text)
			}
		}
	}
	if left := w.balancers(); len(left) > 0 {
		t.Errorf("a cluster with one control plane has %+v", left)
	}
}

func TestUpOfThreeAtEveryCall(t *testing.T) {
	w := newWorld(t)
	work{run: func(w *world) error { return w.up(w.options("c", three(0))) }}.everyCall(t, w, func(w *world) {
		if found := w.balancers(); len(found) != 1 {
			t.Errorf("balancers %+v", found)
		}
		gone(w)
	})
}

func TestRestoredUpOfThreeAtEveryCall(t *testing.T) {
	w := newWorld(t)
	w.golden(three(0))
	if left := w.balancers(); len(left) > 0 {
		t.Errorf("a golden snapshot has left %+v", left)
	}
	work{run: func(w *world) error { return w.up(w.restored("c", three(0))) }}.everyCall(t, w, gone)
}

// A snapshot that is restored is reached as before, by a new process.
func TestRestoreOfThree(t *testing.T) {
	w := newWorld(t)
	w.golden(three(0))
	w.must(w.up(w.restored("c", three(0))))
	w.healthy("c")
	w.must(save(w))
	before := w.balancers()
	w.must(started(w.clusters().RestoreSnapshot(t.Context(), "s", w.restored("c", three(0)), quiet)))
	after := w.balancers()
	if len(before) != 1 || len(after) != 1 || before[0] == after[0] {
		t.Errorf("%+v became %+v", before, after)
	}
	gone(w)
}

// A balancer that was killed is there again with the next command, and with up.
func TestBalancerIsMended(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", three(0))))
	w.healthy("c")
	pid := w.balancers()[0].PID
	for name, command := range map[string]func() error{
		"status": func() error { _, err := w.clusters().Status(t.Context(), "c", w.open); return err },
		"open":   func() error { _, err := w.clusters().Open(t.Context(), "c", w.open); return err },
		"up":     func() error { return w.up(w.options("c", three(0))) },
	} {
		w.kill(pid)
		w.must(command())
		found := w.balancers()
		if len(found) != 1 || found[0].PID == pid {
			t.Fatalf("after %s: %+v, was %d", name, found, pid)
		}
		pid = found[0].PID
	}
	w.must(w.down("c"))
	if left := w.balancers(); len(left) > 0 {
		t.Errorf("down has left %+v", left)
	}
}

// Whoever is changing the cluster sees to its balancer, and nobody else.
func TestBalancerOfABusyClusterIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", three(0))))
	w.healthy("c")
	lock, err := w.clusters().Lock("c")
	w.must(err)
	w.kill(w.balancers()[0].PID)
	if _, err := w.clusters().Open(t.Context(), "c", w.open); err != nil {
		t.Error(err)
	}
	if found := w.balancers(); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	w.must(lock.Unlock())
}

// A balancer that cannot begin is an error that says why.
func TestBalancerThatDoesNotBegin(t *testing.T) {
	w := newWorld(t)
	w.adapt = func(d *Driver) {
		d.Balancer = func(string) (*exec.Cmd, error) { return exec.Command("echo", "no port"), nil }
	}
	err := w.up(w.options("c", three(0)))
	if err == nil || !strings.Contains(err.Error(), "the balancer did not start: no port") || !strings.Contains(err.Error(), "'axolotl up c'") {
		t.Errorf("error %v", err)
	}
	gone(w)
}

// Of a cluster whose directory was deleted by hand down finds the balancer also
// where its machines are gone.
func TestDownOfABalancerAlone(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", three(0))))
	for _, m := range w.load("c").Machines {
		w.must(w.fake.Destroy(m.UUID))
		w.must(w.fake.Undefine(m.UUID))
	}
	w.must(os.RemoveAll(w.home.Cluster("c")))
	w.must(w.down("c"))
	if left := w.balancers(); len(left) > 0 {
		t.Errorf("down has left %+v", left)
	}
}

// Of three control planes one may be off, and no second one.
func TestQuorumIsKept(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", three(1))))
	w.healthy("c")
	h, err := w.clusters().Open(t.Context(), "c", w.open)
	w.must(err)
	keeps := func(want string, off ...string) {
		t.Helper()
		err := cluster.KeepsQuorum(t.Context(), h, off)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v off: error %v, want %q", off, err, want)
		}
	}
	keeps("", "cp-1", "worker-1")
	keeps("without cp-1 and cp-3 it is on 1", "cp-1", "cp-3")
	w.become(h.Cluster.Machines[0].UUID, vm.MachineStopped)
	keeps("", "cp-1") // it is off
	keeps("", "worker-1")
	keeps("without cp-2 it is on 1", "cp-2")
	h.Cluster.Spec.ControlPlanes = 1
	keeps("", "cp-2")
}

// kill ends a process as the kernel does that is short of memory, and waits until
// nobody finds it any more.
func (w *world) kill(pid int) {
	w.t.Helper()
	w.must(syscall.Kill(pid, syscall.SIGKILL))
	w.await("the balancer is gone", func() error {
		for _, p := range w.balancers() {
			if p.PID == pid {
				return errors.New("it is there")
			}
		}
		return nil
	})
}

func (w *world) await(what string, so func() error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	w.must(check.Wait(ctx, check.Func(what, func(context.Context) error { return so() }), 20*time.Millisecond, nil))
}

// The gateway that the seed starts, by its very command line and out of the node
// binary: connections go round, past a server that is gone, and back when it has
// come back.
func TestGateway(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the node binary, which may have to be built first")
	}
	home, err := store.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	program, err := image.Node.Ensure(t.Context(), home, quiet.Start("node"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	c := &vm.Cluster{Name: "c", Spec: three(0), Machines: vm.PlanMachines(nil, three(0))}
	stop := map[string]func() error{}
	serve := func(m *vm.Machine) {
		listener, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", m.Address, apiPort))
		w.must(err)
		stop[m.Name] = listener.Close
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				fmt.Fprintln(conn, m.Name)
				conn.Close()
			}
		}()
	}
	for i := range c.Machines {
		// Addresses of loopback that nobody else has.
		c.Machines[i].Address = fmt.Sprintf("127.88.77.%d", i+1)
		serve(&c.Machines[i])
	}
	files, err := gatewayFiles(c)
	w.must(err)
	_, line, _ := strings.Cut(files[0].text, "ExecStart=/usr/local/bin/")
	line, _, _ = strings.Cut(strings.ReplaceAll(line, "\\\n", ""), "\n")
	cmd := exec.CommandContext(t.Context(), program, strings.Fields(line)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w.must(cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for _, end := range stop {
			_ = end()
		}
	})
	ask := func() (string, error) {
		conn, err := net.Dial("tcp4", apiEndpoint(c))
		if err != nil {
			return "", err
		}
		defer conn.Close()
		name, err := bufio.NewReader(conn).ReadString('\n')
		return strings.TrimSpace(name), err
	}
	reaches := func(want ...string) {
		t.Helper()
		w.await("the gateway leads to "+strings.Join(want, ", "), func() error {
			got := map[string]bool{}
			for range 2 * len(c.Machines) {
				name, err := ask()
				if err != nil {
					return err
				}
				got[name] = true
			}
			for _, name := range want {
				if !got[name] {
					return fmt.Errorf("it leads to %v", got)
				}
			}
			if len(got) != len(want) {
				return fmt.Errorf("it leads to %v", got)
			}
			return nil
		})
	}
	reaches("cp-1", "cp-2", "cp-3")
	w.must(stop["cp-1"]())
	for range 6 { // not one connection is lost, not even the first
		if name, err := ask(); err != nil || name == "cp-1" {
			t.Errorf("it leads to %q, %v", name, err)
		}
	}
	w.must(stop["cp-2"]())
	reaches("cp-3")
	w.must(stop["cp-3"]())
	if name, err := ask(); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("where none is there: %q, %v", name, err)
	}
	for i := range c.Machines {
		serve(&c.Machines[i])
	}
	reaches("cp-1", "cp-2", "cp-3")
}
