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

// components are the processes of a cluster, in the order of their start.
func components(o *orders, client *kube.Client) []*component {
	c := &o.Cluster
	api := c.APIPort
	master := "https://" + loopback(api)
	node := kubeadm.NodeDir(o.Dir, c.Machines[0].Name)
	pki := func(file string) string { return node + "/pki/" + file }
	etcdClient, etcdPeer := "https://"+loopback(api+etcdClientOffset), "https://"+loopback(api+etcdPeerOffset)

	// There is one of each, so neither elects a leader; they serve nothing
	// that anybody asks for, so neither has a port. Their rate is not limited
	// as for a shared API server: with a thousand nodes it would be the limit.
	alone := []string{"--master=" + master, "--leader-elect=false", "--secure-port=0", "--kube-api-qps=500", "--kube-api-burst=1000"}
	return []*component{
		{
			name: "etcd",
			argv: []string{
				o.Node, "etcd",
				"--name=" + c.Machines[0].Name,
				"--data-dir=" + o.path(dataDir),
				"--listen-client-urls=" + etcdClient, "--advertise-client-urls=" + etcdClient,
				"--listen-peer-urls=" + etcdPeer, "--initial-advertise-peer-urls=" + etcdPeer,
				"--initial-cluster=" + c.Machines[0].Name + "=" + etcdPeer,
				"--client-cert-auth", "--trusted-ca-file=" + pki("etcd/ca.crt"),
				"--cert-file=" + pki("etcd/server.crt"), "--key-file=" + pki("etcd/server.key"),
				"--peer-client-cert-auth", "--peer-trusted-ca-file=" + pki("etcd/ca.crt"),
				"--peer-cert-file=" + pki("etcd/peer.crt"), "--peer-key-file=" + pki("etcd/peer.key"),
				// What is written survives the death of every process; only a
				// power cut of the host can lose it, and then the simulated
				// cluster is made anew.
				"--unsafe-no-fsync",
				// An only member has no rival to wait for: it leads after 0.1 s,
				// not after 1 to 2 s.
				"--heartbeat-interval=10", "--election-timeout=100",
				"--log-level=warn",
			},
		},
		{
			name: "kube-apiserver",
			// Most of a cluster's start is the API server's, and a tenth of that
			// was garbage collection.
			env:   []string{"GOGC=400"},
			needs: func(ctx context.Context) error { return dial(ctx, api+etcdClientOffset) },
			argv: append([]string{
				o.Node, "kube-apiserver",
				"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(api),
				// Of the Service "kubernetes"; loopback is refused there.
				"--advertise-address=" + c.Machines[0].Address,
				"--etcd-servers=" + etcdClient, "--etcd-cafile=" + pki("etcd/ca.crt"),
				"--etcd-certfile=" + pki("apiserver-etcd-client.crt"), "--etcd-keyfile=" + pki("apiserver-etcd-client.key"),
				"--client-ca-file=" + pki("ca.crt"),
				"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"),
				"--anonymous-auth=false",
				"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
				"--allow-privileged",
				"--service-account-issuer=https://kubernetes.default.svc." + vm.ClusterDomain,
				"--service-account-key-file=" + pki("sa.pub"), "--service-account-signing-key-file=" + pki("sa.key"),
				"--service-cluster-ip-range=" + vm.ServiceCIDR,
				"--service-node-port-range=" + strconv.Itoa(vm.NodePortFirst) + "-" + strconv.Itoa(vm.NodePortFirst+vm.NodePortCount-1),
				"--proxy-client-cert-file=" + pki("front-proxy-client.crt"), "--proxy-client-key-file=" + pki("front-proxy-client.key"),
				"--requestheader-client-ca-file=" + pki("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy-client",
				"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
				"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			}, c.Spec.APIServer.Flags()...),
		},
		{
			name:  "kube-controller-manager",
			needs: client.Ready,
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
			needs: client.Ready,
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
