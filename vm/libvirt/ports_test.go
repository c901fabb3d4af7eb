package libvirt

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"axolotl/internal/store"
	"axolotl/vm"
)

// portsOf are all ports on loopback that a cluster has, with who has them.
func portsOf(c *vm.Cluster) map[int]string {
	ports := map[int]string{}
	for _, m := range c.Machines {
		for n := range vm.NodePortCount {
			ports[m.NodePortBase+n] = fmt.Sprintf("%s/%s NodePort %d", c.Name, m.Name, n)
		}
		if m.APIPort != 0 {
			ports[m.APIPort] = c.Name + "/" + m.Name + " API"
		}
	}
	ports[c.SegmentPort] = c.Name + " segment"
	if several(c) {
		ports[c.APIPort] = c.Name + " balancer"
	}
	return ports
}

// Clusters of any size that are made at the same moment, and a golden snapshot
// in the making, share no port, and none is of what is there or was down.
func TestNoTwoClustersSharePorts(t *testing.T) {
	w := newWorld(t)
	building := &vm.Cluster{Name: "golden-x", Machines: vm.PlanMachines(nil, spec(1))}
	w.must(assignPorts(w.home, building))
	w.must(store.WriteJSON(filepath.Join(w.home.Goldens(), "x.building", vm.RecordFile), building))

	const count = 8
	var group sync.WaitGroup
	for n := range count {
		group.Go(func() {
			s := spec(n % 3)
			if n%2 == 1 {
				s.ControlPlanes = 3
			}
			if err := w.up(w.options(fmt.Sprintf("c%d", n), s)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()

	taken := portsOf(building)
	for _, c := range w.known() {
		want := vm.NodePortCount*len(c.Machines) + c.Spec.ControlPlanes + 1
		if several(c) {
			want++
		}
		ports := portsOf(c)
		if len(ports) != want {
			t.Errorf("%s has %d ports, want %d", c.Name, len(ports), want)
		}
		for port, who := range ports {
			if other, ok := taken[port]; ok {
				t.Errorf("%s and %s have port %d", who, other, port)
			}
			if port < portFirst || port > portLast {
				t.Errorf("%s has port %d", who, port)
			}
			taken[port] = who
		}
		if (c.APIPort == c.Machines[0].APIPort) == several(c) {
			t.Errorf("%s: %d control plane(s), API at %d, of %s %d", c.Name, c.Spec.ControlPlanes, c.APIPort, c.Machines[0].Name, c.Machines[0].APIPort)
		}
	}
	if len(w.known()) != count {
		t.Errorf("%d clusters", len(w.known()))
	}
}

// A port that somebody listens on is passed over, TCP and the segment's UDP.
func TestPortsThatAreTaken(t *testing.T) {
	w := newWorld(t)
	first := &vm.Cluster{Name: "c", Machines: vm.PlanMachines(nil, spec(0))}
	w.must(assignPorts(w.home, first))
	base := first.Machines[0].NodePortBase
	assertElsewhere := func(who string) {
		t.Helper()
		second := &vm.Cluster{Name: "c", Machines: vm.PlanMachines(nil, spec(0))}
		w.must(assignPorts(w.home, second))
		if got := second.Machines[0].NodePortBase; got == base {
			t.Errorf("%s has a port of the block at %d, which was given", who, base)
		}
	}
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", base+5))
	w.must(err)
	assertElsewhere("a listener")
	w.must(listener.Close())
	segment, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", first.SegmentPort))
	w.must(err)
	assertElsewhere("a socket of the segment's kind")
	w.must(segment.Close())
}

// A damaged record stops nobody else; too many machines are refused with what
// to do.
func TestPortsBesideADamagedRecordAndWithoutEnd(t *testing.T) {
	w := newWorld(t)
	w.must(os.MkdirAll(w.home.Cluster("broken"), 0o755))
	w.must(os.WriteFile(filepath.Join(w.home.Cluster("broken"), vm.RecordFile), []byte("{"), 0o600))
	c := &vm.Cluster{Name: "c", Machines: vm.PlanMachines(nil, spec(2))}
	w.must(assignPorts(w.home, c))
	many := &vm.Cluster{Name: "many", Machines: vm.PlanMachines(nil, spec((portLast-portFirst)/portBlock))}
	if err := assignPorts(w.home, many); err == nil || !strings.Contains(err.Error(), "take a cluster down") {
		t.Errorf("error %v", err)
	}
}
