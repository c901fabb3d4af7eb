package local

import (
	"context"
	_ "embed"
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/controlplane"
	"axolotl/vm/kubeadm"
)

//go:embed stages.yaml
var stages []byte

// component is one process of a cluster.
type component struct {
	name string
	argv []string
	env  []string
	// needs returns nil once this component can be started; a nil needs is so
	// at once. A component that comes too early sits in a back-off for longer
	// than it was early.
	needs func(ctx context.Context) error
}

// leaseSeconds is how long a simulated node's lease lasts. kwok renews it four
// times in that while. A kwok that had to be restarted waits until the leases
// of its predecessor have run out, which must be well within the 50 s after
// which a node is called NotReady; a kubelet's 40 s would not be.
const leaseSeconds = 20

// peerURL is how etcd knows its only member, in all clusters: it has none to speak
// to.
const peerURL = "https://127.0.0.1:2380"

// serverOf are the cluster's etcd and API server.
func serverOf(o *orders) controlplane.Server {
	c := &o.Cluster
	return controlplane.Server{
		Program: o.Node, PKI: kubeadm.NodeDir(o.Dir, c.Machines[0].Name) + "/pki", Data: o.path(dataDir), PeerURL: peerURL,
		Node: c.Machines[0].Name, Address: c.Machines[0].Address,
		APIHost: "127.0.0.1", APIPort: c.APIPort, EtcdPort: c.APIPort + etcdClientOffset, PeerPort: c.APIPort + etcdPeerOffset,
		Extra: c.Spec.APIServer.Flags(),
	}
}

// components are the processes of a cluster, in the order of their start.
func components(o *orders, client *kube.Client) []*component {
	c := &o.Cluster
	api := c.APIPort
	master := "https://" + loopback(api)
	node := kubeadm.NodeDir(o.Dir, c.Machines[0].Name)
	pki := func(file string) string { return node + "/pki/" + file }
	server := serverOf(o)
	ready := client.Ready
	if c.Begun {
		ready = client.Serves
	}

	// There is one of each, so neither elects a leader; they serve nothing
	// that anybody asks for, so neither has a port. Their rate is not limited
	// as for a shared API server: with a thousand nodes it would be the limit.
	alone := []string{"--master=" + master, "--leader-elect=false", "--secure-port=0", "--kube-api-qps=500", "--kube-api-burst=1000"}
	return []*component{
		{
			name: "etcd",
			argv: server.Etcd(),
		},
		{
			name:  "kube-apiserver",
			env:   controlplane.Env(),
			needs: func(ctx context.Context) error { return dial(ctx, api+etcdClientOffset) },
			argv:  server.APIServer(),
		},
		{
			name:  "kube-controller-manager",
			needs: ready,
			argv: append([]string{
				o.Node, "kube-controller-manager",
				"--kubeconfig=" + node + "/controller-manager.conf",
				"--use-service-account-credentials",
				"--cluster-name=" + c.Name,
				"--root-ca-file=" + pki("ca.crt"), "--service-account-private-key-file=" + pki("sa.key"),
				"--cluster-signing-cert-file=" + pki("ca.crt"), "--cluster-signing-key-file=" + pki("ca.key"),
			}, alone...),
		},
		{
			name:  "kube-scheduler",
			needs: ready,
			argv:  append([]string{o.Node, "kube-scheduler", "--kubeconfig=" + node + "/scheduler.conf"}, alone...),
		},
		{
			name:  "kwok",
			needs: func(ctx context.Context) error { return leasesPossible(ctx, client) },
			argv: []string{
				o.Kwok,
				// It stands in for every kubelet at once, which no single
				// node's certificate allows.
				"--kubeconfig=" + kubeadm.AdminConf(o.Dir),
				"--config=" + o.path("stages.yaml"),
				"--manage-nodes-with-label-selector=" + powerLabel + "=" + powerOn,
				"--node-lease-duration-seconds=" + strconv.Itoa(leaseSeconds),
				"--cidr=" + vm.PodCIDR,
				"--v=WARN",
			},
		},
	}
}

// leasesPossible tells whether nodes can have leases. That is so more than a
// second before the API server is ready.
func leasesPossible(ctx context.Context, client *kube.Client) error {
	_, err := client.Typed.CoreV1().Namespaces().Get(ctx, corev1.NamespaceNodeLease, metav1.GetOptions{})
	return err
}

// dial tells whether something accepts connections on a port of this host.
func dial(ctx context.Context, port int) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp4", loopback(port))
	if err != nil {
		return err
	}
	return conn.Close()
}

// String is the command line, as a person would type it.
func (c *component) String() string { return strings.Join(c.argv, " ") }
