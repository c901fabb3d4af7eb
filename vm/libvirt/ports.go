package libvirt

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"axolotl/internal/store"
	"axolotl/vm"
)

// Ports on loopback come from below the kernel's ephemeral range (32768 and
// up), where no outgoing connection can take one between our look and QEMU's
// bind.
const (
	portFirst = 20000
	portLast  = 32000
	portBlock = vm.NodePortCount + 3 // of a machine: NodePorts, API server, its link to the switch, and one of the cluster's own
)

// linkPort is where the switch of a cluster that is spread over hosts connects to
// a machine.
func linkPort(m *vm.Machine) int { return m.NodePortBase + vm.NodePortCount + 1 }

// assignPorts gives each machine that has none a block of ports that nothing
// listens on and no other cluster's record names. The caller holds the lock that guards new
// records.
func assignPorts(home store.Home, c *vm.Cluster) error {
	taken, err := recordedPorts(home, c.Name)
	if err != nil {
		return err
	}
	for _, m := range c.Machines {
		taken[m.NodePortBase] = true
	}
	const blocks = (portLast - portFirst) / portBlock
	tried := 0
	for i := range c.Machines {
		m := &c.Machines[i]
		if m.NodePortBase != 0 {
			continue
		}
		next := 0
		for ; ; tried++ {
			if tried == blocks {
				return fmt.Errorf("no %d free ports in a row on 127.0.0.1 between %d and %d; take a cluster down (axolotl list)", portBlock, portFirst, portLast)
			}
			// Each user begins elsewhere: of clusters that are off only their
			// owner knows. 61 has no factor in common with the number of blocks.
			next = portFirst + (os.Geteuid()*61+tried)%blocks*portBlock
			if !overlaps(taken, next) && blockFree(next) {
				break
			}
		}
		m.Address = vm.SegmentAddress(m.Index)
		m.NodePortBase = next
		if m.Role == vm.ControlPlane {
			m.APIPort = next + vm.NodePortCount
		}
		switch last := next + portBlock - 1; {
		case i == 0:
			c.APIPort, c.SegmentPort = m.APIPort, last
		case i == 1 && several(c):
			// The balancer's: there is one segment, which the first machine has.
			c.APIPort = last
		}
		tried++
	}
	return nil
}

// recordedPorts are the first ports of the blocks of all other clusters, also
// of those that are off now.
func recordedPorts(home store.Home, except string) (map[int]bool, error) {
	taken := map[int]bool{}
	records, err := filepath.Glob(filepath.Join(home.Clusters(), "*", vm.RecordFile))
	if err != nil {
		return nil, err
	}
	making, err := filepath.Glob(filepath.Join(home.Goldens(), "*.building", vm.RecordFile))
	if err != nil {
		return nil, err
	}
	records = append(records, making...)
	for _, path := range records {
		var other vm.Cluster
		// NOTE: a damaged record must not stop others; blockFree sees what runs.
		if err := store.ReadJSON(path, &other); err != nil || other.Name == except {
			continue
		}
		for _, m := range other.Machines {
			taken[m.NodePortBase] = true
		}
	}
	return taken, nil
}

// overlaps tells whether a block has a port in common with others, which an
// earlier release may have begun elsewhere than this one does.
func overlaps(taken map[int]bool, first int) bool {
	for base := first - portBlock + 1; base < first+portBlock; base++ {
		if taken[base] {
			return true
		}
	}
	return false
}

func blockFree(first int) bool {
	for port := first; port < first+portBlock; port++ {
		if !portFree("127.0.0.1", port) {
			return false
		}
	}
	// The segment is UDP multicast, which many sockets may share: a bind of
	// the plain kind shows whether any has it.
	segment, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", first+portBlock-1))
	if err != nil {
		return false
	}
	segment.Close()
	return true
}

// portFree tells whether a TCP port of this host can be listened on.
func portFree(host string, port int) bool {
	listener, err := net.Listen("tcp4", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
