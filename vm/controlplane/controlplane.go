// Package controlplane says how etcd and an API server are run as processes on
// this host, out of the node binary: by the local driver for as long as its
// cluster is up, and by First for as long as it takes that they have written
// what every cluster begins with. In the machines of the node image they are
// systemd units, whose flags stand there.
package controlplane

import (
	"net"
	"strconv"

	"axolotl/vm"
)

// Server is the etcd and the API server of one node.
type Server struct {
	Program string // the node binary
	PKI     string // kubeadm's directory of that name
	Data    string // etcd's directory
	Node    string // the node's name, and that of etcd's member
	Address string // the node's, for the endpoints of the Service "kubernetes"; loopback is refused there
	PeerURL string // by which the member is known to its like; empty: where it listens

	APIHost                     string // an address of loopback; etcd's is 127.0.0.1
	APIPort, EtcdPort, PeerPort int

	// Extra are more flags of the API server.
	Extra []string
}

// etcdHost is what etcd's certificates are for.
const etcdHost = "127.0.0.1"

// Env is what both processes have in their environment beside our own: most of
// their start is the API server's, and a tenth of that was garbage collection.
func Env() []string { return []string{"GOGC=400"} }

// Etcd is etcd's command line.
func (s *Server) Etcd() []string {
	client, listen := url(etcdHost, s.EtcdPort), url(etcdHost, s.PeerPort)
	peer := s.PeerURL
	if peer == "" {
		peer = listen
	}
	return []string{
		s.Program, "etcd",
		"--name=" + s.Node,
		"--data-dir=" + s.Data,
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + listen, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=" + s.Node + "=" + peer,
		"--client-cert-auth", "--trusted-ca-file=" + s.pki("etcd/ca.crt"),
		"--cert-file=" + s.pki("etcd/server.crt"), "--key-file=" + s.pki("etcd/server.key"),
		"--peer-client-cert-auth", "--peer-trusted-ca-file=" + s.pki("etcd/ca.crt"),
		"--peer-cert-file=" + s.pki("etcd/peer.crt"), "--peer-key-file=" + s.pki("etcd/peer.key"),
		// What is written survives the death of every process; only a power
		// cut of the host can lose it, and then it is made anew.
		"--unsafe-no-fsync",
		// An only member has no rival to wait for: it leads after 0.1 s, not
		// after 1 to 2 s.
		"--heartbeat-interval=10", "--election-timeout=100",
		"--log-level=warn",
	}
}

// APIServer is the API server's command line.
func (s *Server) APIServer() []string {
	return append([]string{
		s.Program, "kube-apiserver",
		"--bind-address=" + s.APIHost, "--secure-port=" + strconv.Itoa(s.APIPort),
		"--advertise-address=" + s.Address,
		"--etcd-servers=" + url(etcdHost, s.EtcdPort), "--etcd-cafile=" + s.pki("etcd/ca.crt"),
		"--etcd-certfile=" + s.pki("apiserver-etcd-client.crt"), "--etcd-keyfile=" + s.pki("apiserver-etcd-client.key"),
		"--client-ca-file=" + s.pki("ca.crt"),
		"--tls-cert-file=" + s.pki("apiserver.crt"), "--tls-private-key-file=" + s.pki("apiserver.key"),
		"--anonymous-auth=false",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--allow-privileged",
		"--service-account-issuer=https://kubernetes.default.svc." + vm.ClusterDomain,
		"--service-account-key-file=" + s.pki("sa.pub"), "--service-account-signing-key-file=" + s.pki("sa.key"),
		"--service-cluster-ip-range=" + vm.ServiceCIDR,
		"--service-node-port-range=" + strconv.Itoa(vm.NodePortFirst) + "-" + strconv.Itoa(vm.NodePortFirst+vm.NodePortCount-1),
		"--proxy-client-cert-file=" + s.pki("front-proxy-client.crt"), "--proxy-client-key-file=" + s.pki("front-proxy-client.key"),
		"--requestheader-client-ca-file=" + s.pki("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
	}, s.Extra...)
}

func (s *Server) pki(file string) string { return s.PKI + "/" + file }

func url(host string, port int) string {
	return "https://" + net.JoinHostPort(host, strconv.Itoa(port))
}
