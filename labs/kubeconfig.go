package labs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/store"
)

// A lab may have a kubeconfig of its own, a file that is there while the lab
// is under way: with the cluster's context to begin with, and what the learner
// makes of it. Whoever writes a lab names it by {{ kubeconfig }}; the user's
// own file is never touched.

func (s *session) kubeconfig() string { return s.handle.Cluster.Path(runsDir, s.id+".kubeconfig") }

// beginKubeconfig writes the file, where the lab speaks of it.
func (s *session) beginKubeconfig() error {
	if !s.lab.names(kubeconfigVariable) {
		return nil
	}
	data, err := kube.RenderContext(s.handle.Cluster.Kubeconfig(), s.handle.Cluster.Context())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.kubeconfig()), 0o700); err != nil {
		return err
	}
	return store.WriteFile(s.kubeconfig(), data, 0o600)
}

// endKubeconfig removes the file; that there is none is success.
func (s *session) endKubeconfig() error {
	if err := os.Remove(s.kubeconfig()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Context changes a context of the lab's own kubeconfig, and makes it where
// there is none, as "kubectl config" does.
type Context struct {
	Name           string `yaml:"name,required" json:"name"`
	ServiceAccount string `yaml:"serviceAccount" json:"serviceAccount,omitempty"` // of the lab's namespace, whose token is asked for
	Token          string `yaml:"token" json:"token,omitempty"`                   // or this one
	Namespace      string `yaml:"namespace" json:"namespace,omitempty"`
	Use            bool   `yaml:"use" json:"use,omitempty"`       // it becomes the current one
	Delete         bool   `yaml:"delete" json:"delete,omitempty"` // with its user
}

// String implements deed.
func (c *Context) String() string { return "context " + c.Name }

func (c *Context) validate(v *validator, at string) {
	if c.ServiceAccount != "" && c.Token != "" {
		v.document.Faultf(at, "say either serviceAccount or token")
	}
	v.kubeconfig(at)
}

// kubeconfig wants the lab to tell its learner where the file is.
func (v *validator) kubeconfig(at string) {
	if !v.lab.names(kubeconfigVariable) {
		v.document.Faultf(at, "this is about the lab's own kubeconfig; tell the learner to set KUBECONFIG={{ kubeconfig }}")
	}
}

func (c *Context) do(ctx context.Context, s *session) error {
	config, err := clientcmd.LoadFromFile(s.kubeconfig())
	if err != nil {
		return err
	}
	if c.Delete {
		delete(config.Contexts, c.Name)
		delete(config.AuthInfos, c.Name)
		return clientcmd.WriteToFile(*config, s.kubeconfig())
	}
	if config.Contexts[c.Name] == nil {
		config.Contexts[c.Name] = &clientcmdapi.Context{Cluster: s.handle.Cluster.Context(), AuthInfo: c.Name}
	}
	if c.Namespace != "" {
		config.Contexts[c.Name].Namespace = c.Namespace
	}
	if c.Use {
		config.CurrentContext = c.Name
	}
	token := c.Token
	if c.ServiceAccount != "" {
		answer, err := s.handle.Kube.Typed.CoreV1().ServiceAccounts(s.namespace).
			CreateToken(ctx, c.ServiceAccount, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		token = answer.Status.Token
	}
	if token != "" {
		config.AuthInfos[c.Name] = &clientcmdapi.AuthInfo{Token: token}
	}
	return clientcmd.WriteToFile(*config, s.kubeconfig())
}

// actor is a client that acts by a context of the lab's kubeconfig, and the
// context's namespace. The lab's own client serves where no context is named.
func (s *session) actor(name string) (client *kube.Client, namespace string, err error) {
	if name == "" {
		return s.handle.Kube, s.namespace, nil
	}
	config, err := clientcmd.LoadFromFile(s.kubeconfig())
	if err != nil {
		return nil, "", err
	}
	if config.Contexts[name] == nil {
		return nil, "", &check.Unmet{Expected: "context " + name, Seen: []string{"there is none in " + s.kubeconfig()}}
	}
	client, err = kube.Open(s.kubeconfig(), name)
	if err != nil {
		return nil, "", fmt.Errorf("context %q: %w", name, err)
	}
	client.Mapper = s.handle.Kube.Mapper // which kinds there are is no secret, and one who is refused could not ask
	namespace = config.Contexts[name].Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return client, namespace, nil
}

// kubeconfigFacts are what expressions see of the file: "current", and of each
// of the "contexts" its cluster, user and namespace.
func (s *session) kubeconfigFacts() (map[string]any, error) {
	config, err := clientcmd.LoadFromFile(s.kubeconfig())
	if err != nil {
		return nil, err
	}
	contexts := map[string]any{}
	for name, c := range config.Contexts {
		contexts[name] = map[string]any{"cluster": c.Cluster, "user": c.AuthInfo, "namespace": c.Namespace}
	}
	return map[string]any{"current": config.CurrentContext, "contexts": contexts}, nil
}
