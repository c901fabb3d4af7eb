// Package addon gives a cluster what it does not have from the start: an
// ingress controller, a provisioner of volumes, metrics, network policies. Each
// is the real thing, compiled from source, in a namespace of its own, and goes
// without a trace when nobody uses it any more. Its container image stays in
// the machines.
package addon

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/image"
)

// Addon is one thing that a cluster can be given.
type Addon struct {
	Name    string
	Summary string
	Image   image.Extra

	manifest string // without the namespace; @IMAGE@ and @NAMESPACE@ are filled in

	// complete, where not nil, adds to the objects what is made anew each time.
	complete func(namespace string, objects []*unstructured.Unstructured) error

	// elsewhere tells whether a cluster has this from somebody else. Nil: that
	// cannot be told.
	elsewhere func(ctx context.Context, client *kube.Client) (bool, error)

	// serving, where not nil, returns what is missing though its pods are ready.
	serving func(ctx context.Context, client *kube.Client) error
}

// All are the add-ons, by name.
var All = []*Addon{&ingress, &metrics, &networkPolicy, &storage}

// Find returns the add-on with this name; the error says which there are.
func Find(name string) (*Addon, error) {
	for _, a := range All {
		if a.Name == name {
			return a, nil
		}
	}
	return nil, fmt.Errorf("there is no add-on %q; there are: %s", name, strings.Join(Names(), ", "))
}

// Names are the names of all add-ons.
func Names() []string {
	var names []string
	for _, a := range All {
		names = append(names, a.Name)
	}
	return names
}

// Namespace is the add-on's own.
func (a *Addon) Namespace() string { return "axolotl-" + a.Name }

var (
	//go:embed ingress.yaml
	ingressManifest string
	//go:embed storage.yaml
	storageManifest string
	//go:embed metrics.yaml
	metricsManifest string
	//go:embed network-policy.yaml
	networkPolicyManifest string
)

var ingress = Addon{
	Name:     "ingress",
	Summary:  "Traefik " + image.Traefik.Program.Version + " serves Ingresses of class traefik",
	Image:    image.Traefik,
	manifest: ingressManifest,
	elsewhere: func(ctx context.Context, client *kube.Client) (bool, error) {
		_, err := client.Typed.NetworkingV1().IngressClasses().Get(ctx, "traefik", metav1.GetOptions{})
		return isThere(err)
	},
}

var storage = Addon{
	Name:     "storage",
	Summary:  "local-path-provisioner " + image.LocalPathProvisioner.Program.Version + " makes volumes of class local-path",
	Image:    image.LocalPathProvisioner,
	manifest: storageManifest,
	elsewhere: func(ctx context.Context, client *kube.Client) (bool, error) {
		_, err := client.Typed.StorageV1().StorageClasses().Get(ctx, "local-path", metav1.GetOptions{})
		return isThere(err)
	},
}

var networkPolicy = Addon{
	Name:     "network-policy",
	Summary:  "kube-network-policies " + image.KubeNetworkPolicies.Program.Version + " enforces NetworkPolicies",
	Image:    image.KubeNetworkPolicies,
	manifest: networkPolicyManifest,
}

// isThere makes of a look at an object whether it exists.
func isThere(err error) (bool, error) {
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// objects are what the add-on is made of, in the order of making.
func (a *Addon) objects() ([]*unstructured.Unstructured, error) {
	text := strings.NewReplacer("@IMAGE@", a.Image.Ref, "@NAMESPACE@", a.Namespace(), "@BUSYBOX@", image.BusyboxImage).Replace(a.manifest)
	objects, err := kube.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("manifest of add-on %s: %w", a.Name, err)
	}
	for _, object := range objects {
		labels := object.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[Label] = a.Name
		object.SetLabels(labels)
	}
	return objects, nil
}

// Missing says why a cluster has not got the add-on and cannot be given it; ""
// where neither is so.
func (a *Addon) Missing(ctx context.Context, h *vm.Handle) (string, error) {
	if h.LoadImages != nil {
		return "", nil
	}
	if !h.Driver.Traits().RealPods {
		return fmt.Sprintf("it needs the add-on %s; the nodes of driver %q are simulated, and nothing would run it", a.Name, h.Driver.Name()), nil
	}
	if a.elsewhere == nil {
		return fmt.Sprintf("it needs the add-on %s; driver %q cannot give it to the cluster, and whether that has its like cannot be told", a.Name, h.Driver.Name()), nil
	}
	there, err := a.elsewhere(ctx, h.Kube)
	if err != nil || there {
		return "", err
	}
	return fmt.Sprintf("it needs the add-on %s; the cluster has not got it, and driver %q cannot give it", a.Name, h.Driver.Name()), nil
}
