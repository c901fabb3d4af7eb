// Package kube talks to an API server: clients, apply, kubeconfig contexts.
//
// It knows Kubernetes and nothing of clusters that we made, labs or faults.
package kube

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// Client is one connection to one API server, in the forms that client-go has.
type Client struct {
	Config  *rest.Config
	Typed   kubernetes.Interface
	Dynamic dynamic.Interface
	Mapper  meta.ResettableRESTMapper
}

// Open reads a kubeconfig file and returns a client for one of its contexts,
// the current one where contextName is empty. Nothing is sent yet.
func Open(path, contextName string) (*Client, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: path},
		&clientcmd.ConfigOverrides{CurrentContext: contextName},
	).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	return New(config)
}

// New returns a client for a configuration. Client-side rate limits are off:
// the API server has its own, and a throttled watch would falsify times.
func New(config *rest.Config) (*Client, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	if config.UserAgent == "" {
		config.UserAgent = "axolotl"
	}
	typed, err := kubernetes.NewForConfig(binary(config))
	if err != nil {
		return nil, err
	}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(typed.Discovery()))
	return &Client{Config: config, Typed: typed, Dynamic: dyn, Mapper: mapper}, nil
}

// binary has a client of the built-in kinds speak protobuf where the API server
// can, as Kubernetes' own components do.
func binary(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return config
}

// As returns a client that acts as another user, with that one's rights only.
func (c *Client) As(user string) (*Client, error) {
	if user == "" {
		return c, nil
	}
	config := rest.CopyConfig(c.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	return New(config)
}

// Ready asks the API server's /readyz and returns nil where it says ok.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.readyz().DoRaw(ctx)
	return err
}

// readyz is one question. An API server that is not ready asks for a second of
// patience, which client-go would have before each of ten more; whoever waits asks
// again by himself.
func (c *Client) readyz() *rest.Request {
	return c.Typed.Discovery().RESTClient().Get().AbsPath("/readyz").MaxRetries(0)
}

// Serves is Ready of an API server that finds its roles and priority classes in
// etcd. It looks whether they are there only after a second of its own, one by one,
// and calls itself ready after that; what they allow is allowed before.
func (c *Client) Serves(ctx context.Context) error {
	request := c.readyz()
	for _, hook := range []string{"rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes"} {
		request = request.Param("exclude", "poststarthook/"+hook)
	}
	_, err := request.DoRaw(ctx)
	return err
}

// Resource returns the dynamic client for a kind. namespace is ignored for
// cluster-wide kinds; where it is empty for others, "default" is taken.
func (c *Client) Resource(gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, *meta.RESTMapping, error) {
	mapping, err := c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.Mapper.Reset() // a CRD may have come since
		mapping, err = c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, nil, err
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return c.Dynamic.Resource(mapping.Resource), mapping, nil
	}
	if namespace == "" {
		namespace = "default"
	}
	return c.Dynamic.Resource(mapping.Resource).Namespace(namespace), mapping, nil
}
