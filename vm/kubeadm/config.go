// Package kubeadm makes the certificates and kubeconfigs of a cluster by
// kubeadm's own phases, run on the host from the node binary, with no network
// and no cluster.
//
// It stands below the drivers and knows none of them.
package kubeadm

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"sigs.k8s.io/yaml"
)

// Config is what the credentials of a cluster are made for.
type Config struct {
	ClusterName       string
	KubernetesVersion string // "v1.37.2"
	ServiceSubnet     string // CIDR; its first address is the API server's Service
	PodSubnet         string // CIDR

	// Endpoint is the host:port by which kubelets and kube-proxies reach the API
	// server; of loopback where each node has a way of its own to all of them.
	Endpoint string
	// HostPort is the port on 127.0.0.1 by which the host reaches it.
	HostPort int
	// BindPort is the port on which each API server listens on its node.
	BindPort int
	// SANs are further names and addresses of the API server. 127.0.0.1,
	// localhost, the Service's and the node's own always are in.
	SANs []string
	// EtcdSANs are further names and addresses of each etcd member. The
	// node's own, 127.0.0.1 and localhost always are in.
	EtcdSANs []string

	Nodes []Node
}

// Node is one node of the cluster.
type Node struct {
	Name         string
	Address      string // that other nodes know; not a loopback address
	ControlPlane bool   // runs etcd, API server, controller manager, scheduler
	Simulated    bool   // runs neither kubelet nor kube-proxy
}

// The files that Make leaves, under its directory.

// SharedPKI is where the authorities of the cluster are: ca, front-proxy-ca,
// etcd/ca (.crt and .key) and sa (.key and .pub).
func SharedPKI(dir string) string { return filepath.Join(dir, "pki") }

// NodeDir is what belongs into /etc/kubernetes on a node, laid out as kubeadm
// does: kubelet.conf, kube-proxy.conf and pki; on a control plane also
// controller-manager.conf and scheduler.conf.
func NodeDir(dir, node string) string { return filepath.Join(dir, "nodes", node) }

// AdminConf is the kubeconfig with full rights for the host's user.
func AdminConf(dir string) string { return filepath.Join(dir, "admin.conf") }

// object is part of a YAML text.
type object = map[string]any

// render returns kubeadm's configuration for one node. certificates is the
// directory of the authorities that sign; endpoint is the API server's
// host:port in the kubeconfigs.
func (c Config) render(node Node, certificates, endpoint string) ([]byte, error) {
	local := object{"advertiseAddress": node.Address, "bindPort": c.BindPort}
	if !node.ControlPlane {
		// It only decides what kubeadm calls local, which a worker has not.
		host, port, err := net.SplitHostPort(c.Endpoint)
		if err != nil {
			return nil, err
		}
		if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
			host, port = node.Address, strconv.Itoa(c.BindPort) // kubeadm takes no loopback here
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return nil, fmt.Errorf("port of endpoint %q: %w", c.Endpoint, err)
		}
		local = object{"advertiseAddress": host, "bindPort": number}
	}
	initial, err := yaml.Marshal(object{
		"apiVersion":       "kubeadm.k8s.io/v1beta4",
		"kind":             "InitConfiguration",
		"localAPIEndpoint": local,
		"nodeRegistration": object{
			"name": node.Name,
			// Set so that kubeadm does not look for sockets on the host.
			"criSocket": "unix:///run/containerd/containerd.sock",
		},
	})
	if err != nil {
		return nil, err
	}
	cluster, err := yaml.Marshal(object{
		"apiVersion":           "kubeadm.k8s.io/v1beta4",
		"kind":                 "ClusterConfiguration",
		"clusterName":          c.ClusterName,
		"kubernetesVersion":    c.KubernetesVersion,
		"certificatesDir":      certificates,
		"controlPlaneEndpoint": endpoint,
		// Ten keys take no time, where ten RSA keys take a second.
		"encryptionAlgorithm": "ECDSA-P256",
		"networking":          object{"serviceSubnet": c.ServiceSubnet, "podSubnet": c.PodSubnet},
		"apiServer":           object{"certSANs": sans(c.SANs)},
		"etcd": object{"local": object{
			"dataDir":        "/var/lib/etcd",
			"serverCertSANs": sans(c.EtcdSANs),
			"peerCertSANs":   sans(c.EtcdSANs),
		}},
	})
	if err != nil {
		return nil, err
	}
	return slices.Concat(initial, []byte("---\n"), cluster), nil
}

// sans adds what a certificate always is for.
func sans(further []string) []string {
	all := []string{"127.0.0.1", "localhost"}
	for _, name := range further {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// validate returns what is missing, before kubeadm says it less clearly.
func (c Config) validate() error {
	if _, _, err := net.SplitHostPort(c.Endpoint); err != nil {
		return fmt.Errorf("endpoint %q is no host:port: %w", c.Endpoint, err)
	}
	if !slices.ContainsFunc(c.Nodes, func(n Node) bool { return n.ControlPlane }) {
		return fmt.Errorf("cluster %q has no control-plane node", c.ClusterName)
	}
	for _, node := range c.Nodes {
		if ip := net.ParseIP(node.Address); ip == nil || ip.IsLoopback() {
			return fmt.Errorf("node %q has address %q; it needs an IP address that is not loopback", node.Name, node.Address)
		}
	}
	return nil
}
