package incluster

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"axolotl/chaos"
	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/existing"
)

// Handle is the cluster around us, as one that somebody else has made: its
// guards hold, those that want the consent of whoever owns what is broken among
// them. In dir lie the locks of this process, and the way to the API server.
func Handle(client *kube.Client, dir string) (*vm.Handle, error) {
	c := &vm.Cluster{
		Name: Cluster, ID: Cluster, Driver: existing.Name, Phase: vm.PhaseUp, Created: time.Now(),
		Source: &vm.Source{Kubeconfig: "the service account", Context: Cluster}, Dir: dir,
	}
	// NOTE: guards compare what they are given with what was recorded.
	recorded := api.NewConfig()
	recorded.Clusters[Cluster] = &api.Cluster{
		Server: client.Config.Host, CertificateAuthorityData: client.Config.CAData, TLSServerName: client.Config.ServerName,
	}
	recorded.Contexts[Cluster] = &api.Context{Cluster: Cluster}
	recorded.CurrentContext = Cluster
	if err := clientcmd.WriteToFile(*recorded, c.Kubeconfig()); err != nil {
		return nil, err
	}
	return &vm.Handle{Cluster: c, Driver: existing.New(*c.Source), Kube: client}, nil
}

// Config is how a pod reaches the API server, or with a kubeconfig how who is
// not in one does. The certificate authority is in it, and not in a file.
func Config(kubeconfig string) (*rest.Config, error) {
	if kubeconfig != "" {
		client, err := kube.Open(kubeconfig, "")
		if err != nil {
			return nil, err
		}
		return client.Config, rest.LoadTLSFiles(client.Config)
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("%w; this is for a pod: elsewhere give --kubeconfig", err)
	}
	return config, rest.LoadTLSFiles(config)
}

// namespaceFile tells a pod in which namespace it is.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// DefaultNamespace is that of the manifests.
const DefaultNamespace = "axolotl"

// Namespace is that which we live in.
func Namespace() string {
	if data, err := os.ReadFile(namespaceFile); err == nil {
		return strings.TrimSpace(string(data))
	}
	return DefaultNamespace
}

// ownPods selects the replicas.
const ownPods = "app.kubernetes.io/name=axolotl-serve"

// faults are those that need the API only, and no more rights than the
// manifests give.
var faults = []string{
	"pod-deletion", "pod-eviction", "label-torn-off", "image-broken", "scale-to-zero",
	"configmap-deletion", "configmap-alteration", "node-cordon", "node-drain", "node-taint",
}

// Bounds are what may be broken from inside: never what is ours.
func Bounds(client *kube.Client, namespace string) *chaos.Bounds {
	return &chaos.Bounds{
		Why:    "inside a cluster only what needs nothing but its API is broken, and nothing of axolotl's own",
		Faults: faults, Namespaces: []string{namespace}, NoApp: true,
		Spared: func(ctx context.Context) (map[string]bool, error) {
			pods, err := client.Typed.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: ownPods})
			if err != nil {
				return nil, err
			}
			nodes := map[string]bool{}
			for _, p := range pods.Items {
				nodes[p.Spec.NodeName] = p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed || nodes[p.Spec.NodeName]
			}
			return nodes, nil
		},
	}
}
