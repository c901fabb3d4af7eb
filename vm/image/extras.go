package image

// Versions of what clusters can be given beside what they are made of: the
// newest that can be built from what the module proxy has. Of Traefik v3.7 it
// lacks a module that it needs (github.com/containous/go-http-auth of August
// 2026).
const (
	traefikVersion     = "v3.6.12"
	localPathVersion   = "v0.0.30"
	metricsVersion     = "v0.9.0"
	netPoliciesVersion = "v0.8.0"
)

// Extras are what add-ons run, each under the name that its makers publish it
// by, and built from their source.
var Extras = []Extra{Traefik, LocalPathProvisioner, MetricsServer, KubeNetworkPolicies}

// Traefik is an ingress controller.
var Traefik = Extra{
	Ref: "docker.io/library/traefik:" + traefikVersion,
	Program: Binary{
		Name: "traefik", Module: "github.com/traefik/traefik/v3",
		Package: "github.com/traefik/traefik/v3/cmd/traefik", Version: traefikVersion,
		LDFlags: stripped + " -X github.com/traefik/traefik/v3/pkg/version.Version=" + traefikVersion,
	},
}

// LocalPathProvisioner makes volumes of directories on nodes.
var LocalPathProvisioner = Extra{
	Ref: "docker.io/rancher/local-path-provisioner:" + localPathVersion,
	Program: Binary{
		Name: "local-path-provisioner", Package: "github.com/rancher/local-path-provisioner", Version: localPathVersion,
		LDFlags: stripped + " -X main.VERSION=" + localPathVersion,
	},
}

// MetricsServer tells how much pods and nodes use.
var MetricsServer = Extra{
	Ref: "registry.k8s.io/metrics-server/metrics-server:" + metricsVersion,
	Program: Binary{
		Name: "metrics-server", Package: "sigs.k8s.io/metrics-server/cmd/metrics-server", Version: metricsVersion,
		LDFlags: stripped,
	},
}

// KubeNetworkPolicies lets through what network policies allow. It takes its
// rules out of the kernel when it is interrupted, and not when it is terminated.
var KubeNetworkPolicies = Extra{
	Ref: "registry.k8s.io/networking/kube-network-policies:" + netPoliciesVersion,
	Program: Binary{
		Name: "kube-network-policies", Package: "sigs.k8s.io/kube-network-policies/cmd", Version: netPoliciesVersion,
		LDFlags: stripped,
	},
	User: "0:0", StopSignal: "SIGINT",
}
