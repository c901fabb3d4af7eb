package chaos

import (
	"bytes"
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"axolotl/chaos/fault"
	"axolotl/internal/kube"
	"axolotl/vm"
)

// AllowAnnotation, with the value "true" on a namespace or a node of a cluster
// that somebody else has made, says that what is in it, or on it, may be
// broken. It is for those who own that to set; axolotl never does.
const AllowAnnotation = "axolotl.dev/allow-chaos"

// guardCluster refuses clusters that axolotl has not made, but for the one that
// is allowed by its name.
func guardCluster(h *vm.Handle, allowed string) error {
	if h.Driver.Traits().Foreign {
		return guardForeign(h.Cluster, h.Kube, allowed)
	}
	return guardOwnCluster(h.Cluster, h.Kube)
}

// guardForeign wants the cluster's name typed out, and the very server that was
// recorded under it, with TLS verified.
func guardForeign(c *vm.Cluster, client *kube.Client, allowed string) error {
	refuse := func(remedy, format string, args ...any) error {
		return &Refusal{"own-cluster", fmt.Sprintf(format, args...), remedy}
	}
	const again = "take it down and up again, and look where its context leads"
	if allowed != c.Name {
		return refuse(fmt.Sprintf("where it may be broken, say so with --allow-cluster %s, and annotate the namespace or node that may be: %s=true", c.Name, AllowAnnotation),
			"axolotl has not made cluster %q: it is %s, at %s", c.Name, c.Source, client.Config.Host)
	}
	if client.Config.Insecure {
		return refuse("give its context the cluster's certificate authority", "the connection to %s does not verify who answers", client.Config.Host)
	}
	recorded, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return refuse(again, "cluster %q has no kubeconfig: %v", c.Name, err)
	}
	if recorded.Host != client.Config.Host || !bytes.Equal(recorded.CAData, client.Config.CAData) {
		return refuse(again, "the connection leads to %s, and cluster %q is at %s", client.Config.Host, c.Name, recorded.Host)
	}
	return nil
}

// guardAnnotated wants, in a cluster that somebody else has made, the consent of
// whoever owns what is broken: of its namespace, and of a node of the node. What
// a run puts up for itself is its own.
func guardAnnotated(ctx context.Context, r *run) error {
	if !r.handle.Driver.Traits().Foreign {
		return nil
	}
	asked := map[string]bool{}
	for _, o := range r.targets {
		place, get := annotationsOf(r.kube, o)
		if o.Namespace != "" && o.Namespace == r.ownNamespace() || asked[place] {
			continue
		}
		asked[place] = true
		annotations, err := get(ctx)
		if err != nil {
			return err
		}
		if annotations[AllowAnnotation] != "true" {
			return &Refusal{"annotated", fmt.Sprintf("%s of cluster %q, which somebody else has made, does not say that it may be broken", place, r.home.Name),
				fmt.Sprintf("whoever owns it can: kubectl annotate %s %s=true", place, AllowAnnotation)}
		}
	}
	return nil
}

// annotationsOf names the object, as kubectl does, whose annotations count for
// another one, and reads them.
func annotationsOf(client *kube.Client, o fault.Object) (place string, get func(context.Context) (map[string]string, error)) {
	core := client.Typed.CoreV1()
	if o.Namespace == "" {
		// NOTE: of what belongs to no namespace faults break nodes only; another
		// kind of that name is not found, which refuses as well.
		return "node " + o.Name, func(ctx context.Context) (map[string]string, error) {
			node, err := core.Nodes().Get(ctx, o.Name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			return node.Annotations, nil
		}
	}
	return "namespace " + o.Namespace, func(ctx context.Context) (map[string]string, error) {
		namespace, err := core.Namespaces().Get(ctx, o.Namespace, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return namespace.Annotations, nil
	}
}
