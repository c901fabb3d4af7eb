package image

import "path"

// Versions of what clusters are made of.
const (
	KubernetesVersion = "v1.37.2"
	containerdVersion = "v2.4.2"
	cniVersion        = "v1.9.1"
	corednsVersion    = "v1.14.7"
	kwokVersion       = "v0.8.0"
)

// stripped leaves symbol tables and debug information out: a third of the size.
const stripped = "-s -w"

// Node is upstream Kubernetes with etcd, kubeadm and kubectl as one program,
// which is the component that its first argument or its own name says.
var Node = Binary{
	Name:    "axolotl-node",
	Source:  nodeSource,
	LDFlags: stripped + nodeVersionFlags,
}

// nodeVersionFlags tell the components which release they are, as upstream's
// own build does.
const nodeVersionFlags = " -X k8s.io/component-base/version.gitVersion=" + KubernetesVersion +
	" -X k8s.io/component-base/version.gitMajor=1" +
	" -X k8s.io/component-base/version.gitMinor=37"

// Kwok simulates nodes and their pods.
var Kwok = Binary{Name: "kwok", Package: "sigs.k8s.io/kwok/cmd/kwok", Version: kwokVersion, LDFlags: stripped}

// CoreDNS is the DNS server of a cluster.
var CoreDNS = Binary{Name: "coredns", Package: "github.com/coredns/coredns", Version: corednsVersion, LDFlags: stripped}

// Containerd, its shim and its command line run a node's containers. Debian's
// own is too old for this Kubernetes.
var (
	Containerd     = containerdBinary("containerd")
	ContainerdShim = containerdBinary("containerd-shim-runc-v2")
	Ctr            = containerdBinary("ctr")
)

// CNIPlugins wire a pod to the network of its node.
var CNIPlugins = []Binary{
	cniBinary("main/bridge"), cniBinary("ipam/host-local"),
	cniBinary("main/loopback"), cniBinary("meta/portmap"),
}

func containerdBinary(name string) Binary {
	return Binary{
		Name:    name,
		Package: "github.com/containerd/containerd/v2/cmd/" + name,
		Version: containerdVersion,
		LDFlags: stripped + " -X github.com/containerd/containerd/v2/version.Version=" + containerdVersion,
	}
}

func cniBinary(plugin string) Binary {
	return Binary{
		Name:    path.Base(plugin),
		Package: "github.com/containernetworking/plugins/plugins/" + plugin,
		Version: cniVersion,
		LDFlags: stripped,
	}
}
