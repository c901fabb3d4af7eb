package local

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"axolotl/internal/check"
	"axolotl/internal/ports"
	"axolotl/internal/store"
	"axolotl/vm"
)

// A cluster's ports on loopback are a block whose first one is the API
// server's, so the record need not name the others. They lie below the ports
// of the libvirt driver and below the kernel's ephemeral range, where an
// outgoing connection could take one between our look and the bind.
const (
	portFirst = 16000
	portLast  = 20000
	portBlock = 3

	etcdClientOffset = 1
	etcdPeerOffset   = 2
)

// choosePorts returns the first port of a block that nothing listens on and no
// other cluster's record names. It begins to look at a place that follows from
// the cluster's ID, so that two that choose at once, each under a home of its
// own, do not choose the same.
func choosePorts(home store.Home, c *vm.Cluster) (int, error) {
	taken := map[int]bool{}
	records, err := filepath.Glob(filepath.Join(home.Clusters(), "*", vm.RecordFile))
	if err != nil {
		return 0, err
	}
	for _, path := range records {
		var other vm.Cluster
		// NOTE: a damaged record must not stop others; takenPort sees what runs.
		if err := store.ReadJSON(path, &other); err == nil && other.ID != c.ID {
			taken[other.APIPort] = true
		}
	}
	const blocks = (portLast - portFirst) / portBlock
	h := fnv.New32a()
	h.Write([]byte(c.ID))
	for i := range blocks {
		port := portFirst + (int(h.Sum32()%blocks)+i)%blocks*portBlock
		if taken[port] {
			continue
		}
		if _, err := takenPort(port); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports in a row on 127.0.0.1 between %d and %d; take a cluster down (axolotl list)", portBlock, portFirst, portLast)
}

// awaitPorts returns nil once a block is free. It waits a moment: a process
// that was killed is not found any more shortly before its sockets are gone.
func awaitPorts(ctx context.Context, first int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var port int
	free := check.Func("free ports", func(context.Context) (err error) {
		port, err = takenPort(first)
		return err
	})
	if err := check.Wait(ctx, free, pollInterval, nil); err != nil {
		return fmt.Errorf("port %d on 127.0.0.1 is taken by %s; end that, or take the cluster down and up again, for other ports: %w",
			port, ports.Owner(port), err)
	}
	return nil
}

// takenPort returns the first port of a block that cannot be bound, and why.
func takenPort(first int) (int, error) {
	for port := first; port < first+portBlock; port++ {
		listener, err := net.Listen("tcp4", loopback(port))
		if err != nil {
			return port, err
		}
		listener.Close()
	}
	return 0, nil
}

// loopback is the host:port of a port on this host only.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
