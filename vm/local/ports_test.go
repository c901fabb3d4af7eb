package local

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/internal/store"
	"axolotl/vm"
)

func TestChoosePorts(t *testing.T) {
	home := store.Home{State: t.TempDir()}
	c := &vm.Cluster{Name: "a", ID: "1"}
	first, err := choosePorts(home, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("not what another cluster's record names", func(t *testing.T) {
		other := &vm.Cluster{Name: "b", ID: "2", APIPort: first}
		path := filepath.Join(home.Cluster("b"), vm.RecordFile)
		if err := store.WriteJSON(path, other); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(home.Clusters())
		if port, err := choosePorts(home, c); err != nil || port == first {
			t.Errorf("chose %d, error %v", port, err)
		}
	})
	t.Run("not what somebody listens on", func(t *testing.T) {
		listener, err := net.Listen("tcp4", loopback(first+etcdPeerOffset))
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if port, err := choosePorts(home, c); err != nil || port == first {
			t.Errorf("chose %d, error %v", port, err)
		}
		err = awaitPorts(t.Context(), first)
		if want := fmt.Sprintf("port %d on 127.0.0.1 is taken by %q (pid %d)", first+2, comm(t), os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	})
	t.Run("a damaged record stops nobody", func(t *testing.T) {
		if err := store.WriteFile(filepath.Join(home.Cluster("b"), vm.RecordFile), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if port, err := choosePorts(home, c); err != nil || port != first {
			t.Errorf("chose %d, want %d, error %v", port, first, err)
		}
	})
}

func comm(t *testing.T) string {
	t.Helper()
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(name))
}

func TestPlan(t *testing.T) {
	d := New(store.Home{State: t.TempDir()})
	c := &vm.Cluster{Name: "big", ID: "1", Spec: vm.Spec{ControlPlanes: 1, Workers: 999}}
	if err := d.Plan(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range c.Machines {
		if net.ParseIP(m.Address) == nil || seen[m.Address] {
			t.Errorf("machine %s has address %q", m.Name, m.Address)
		}
		seen[m.Address] = true
	}
	if len(c.Machines) != 1000 || c.APIPort == 0 || c.Machines[0].APIPort != c.APIPort {
		t.Errorf("%d machines, API port %d", len(c.Machines), c.APIPort)
	}
	two := &vm.Cluster{Name: "two", Spec: vm.Spec{ControlPlanes: 2}}
	if err := d.Plan(t.Context(), two); err == nil || !strings.Contains(err.Error(), "one control plane") {
		t.Errorf("two control planes: %v", err)
	}
}
