package libvirt

import (
	_ "embed"
	"fmt"
	"net"
	"strconv"
	"strings"

	"axolotl/vm"
	"axolotl/vm/image"
)

// apiPort is the API server's in its machine.
const apiPort = 6443

// gatewayPort is where a machine of a cluster with several control planes has
// its own way to all API servers.
const gatewayPort = 7443

// several tells whether a cluster has more than one control plane, so that none
// of them may be the one that all others need.
func several(c *vm.Cluster) bool { return c.Spec.ControlPlanes > 1 }

// apiEndpoint is where kubelets and kube-proxies reach the API server: on the
// control plane or, where there are several, at the gateway of their own machine.
// That is etcd's own TCP gateway, out of the node binary that is there: it passes
// TLS through, turns to another server where one takes no connection, and needs
// no address that would have to move. Rules of the kernel (nftables, IPVS) would
// not know which server is alive, and a kubelet that knows only the API server
// beside it is lost with that.
//
// Controller manager and scheduler have, as kubeadm gives them, the API server
// of their own machine: of each there is one for every control plane, and one
// that has lost its server loses its lease to another.
func apiEndpoint(c *vm.Cluster) string {
	if several(c) {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(gatewayPort))
	}
	return fmt.Sprintf("%s:%d", vm.SegmentAddress(1), apiPort)
}

// gatewayUnit is the gateway's unit.
//
//go:embed axolotl-gateway.service
var gatewayUnit string

// gatewaySettings have the kernel tell sooner that another machine is gone, for
// the gateway itself waits for the kernel. A connection is given up after 7 s
// where it was not answered (1, 2 and 4 s; else two minutes), and after 13 s
// where it was (else a quarter of an hour). Pods have settings of their own.
const gatewaySettings = "net.ipv4.tcp_syn_retries = 2\nnet.ipv4.tcp_retries2 = 5\n"

// gatewayFiles are a machine's gateway; there is none in a cluster with one
// control plane.
func gatewayFiles(c *vm.Cluster) ([]seedEntry, error) {
	if !several(c) {
		return nil, nil
	}
	var servers []string
	for _, m := range c.Machines {
		if m.Role == vm.ControlPlane {
			servers = append(servers, net.JoinHostPort(m.Address, strconv.Itoa(apiPort)))
		}
	}
	const settings = "etc/sysctl.d/90-axolotl.conf" // axolotl-network reads this one
	base, err := image.RootFile(settings)
	if err != nil {
		return nil, err
	}
	unit := strings.NewReplacer("@LISTEN@", apiEndpoint(c), "@SERVERS@", strings.Join(servers, ",")).Replace(gatewayUnit)
	return []seedEntry{
		{"etc/systemd/system/axolotl-gateway.service", unit},
		{"etc/systemd/system/multi-user.target.d/axolotl-gateway.conf", "[Unit]\nWants=axolotl-gateway.service\n"},
		{settings, string(base) + gatewaySettings},
	}, nil
}
