package kube

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// UserKubeconfigs are the files that kubectl reads, as KUBECONFIG lists them.
func UserKubeconfigs() string {
	return strings.Join(clientcmd.NewDefaultPathOptions().GetLoadingPrecedence(), string(filepath.ListSeparator))
}

// UserContexts are the contexts of those files, as kubectl sees them.
func UserContexts() (*clientcmdapi.Config, error) {
	return clientcmd.NewDefaultPathOptions().GetStartingConfig()
}

// CopyContext returns one context of somebody's kubeconfigs as a kubeconfig of
// its own, which needs none of the files that those name but for a token's, and
// whose current context it is. files is a list as in KUBECONFIG. A program that
// is asked for credentials stays one: it is run at each use.
func CopyContext(files, name string) ([]byte, error) {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: filepath.SplitList(files)}
	config, err := rules.Load()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", files, err)
	}
	if config.Contexts[name] == nil {
		return nil, fmt.Errorf("kubeconfig %s has no context %q; it has %s", files, name, contextNames(config))
	}
	config.CurrentContext = name
	if err := clientcmdapi.MinifyConfig(config); err != nil {
		return nil, fmt.Errorf("context %q of kubeconfig %s: %w", name, files, err)
	}
	if err := clientcmdapi.FlattenConfig(config); err != nil {
		return nil, fmt.Errorf("context %q of kubeconfig %s: %w", name, files, err)
	}
	if err := clientcmd.ConfirmUsable(*config, name); err != nil {
		return nil, fmt.Errorf("context %q of kubeconfig %s cannot be used: %w", name, files, err)
	}
	return clientcmd.Write(*config)
}

func contextNames(config *clientcmdapi.Config) string {
	var names []string
	for name := range config.Contexts {
		names = append(names, fmt.Sprintf("%q", name))
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
