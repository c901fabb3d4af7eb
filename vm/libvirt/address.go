package libvirt

import (
	"crypto/sha256"
	"fmt"

	"axolotl/vm"
)

// network is where, on the host of a machine, its cluster is.
type network struct {
	Loopback string // address that its forwards listen on
	Segment  string // multicast group of its private segment
}

// networkOf: ports of this host are chosen so that no other cluster has them.
// On another host nobody knows which ones others will have, so that there a
// cluster has addresses of its own, by its ID: all of 127.0.0.0/8 is loopback,
// and groups below 239.0.0.0/8 are nobody's (RFC 2365).
func networkOf(c *vm.Cluster, m *vm.Machine) network {
	if !isRemote(hostOf(c, m)) {
		return network{"127.0.0.1", "230.88.0.1"}
	}
	sum := sha256.Sum256([]byte(c.ID))
	own := fmt.Sprintf("%d.%d.%d", 128+sum[0]&0x3f, sum[1], 1+sum[2]%254)
	return network{"127." + own, "239." + own}
}
