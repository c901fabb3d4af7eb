package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"axolotl/internal/kube"
	"axolotl/labs"
	"axolotl/vm"
)

// pointKubectl says how kubectl comes to ask the lab's cluster, where it would ask
// another one: what a lab tells its learner to type names none.
func (a *app) pointKubectl(g *labs.Guide, h *vm.Handle) error {
	config, err := kube.UserContexts()
	if err != nil {
		config = clientcmdapi.NewConfig() // kubectl will say what is wrong with it
	}
	if leadsTo(config, config.CurrentContext, h) {
		return nil
	}
	name := contextOf(h.Cluster)
	first := "kubectl config use-context " + name
	if !leadsTo(config, name, h) {
		first = fmt.Sprintf("axolotl kubeconfig %[1]s > %[1]s.kubeconfig && export KUBECONFIG=$PWD/%[1]s.kubeconfig", h.Cluster.Name)
	}
	_, err = fmt.Fprintf(a.out, g.Words(
		"kubectl does not ask cluster %s now. First:\n\n  %s\n\n",
		"Ahora kubectl no le habla al cluster %s. Primero:\n\n  %s\n\n"), h.Cluster.Name, first)
	return err
}

// leadsTo tells whether a context is one of a cluster.
func leadsTo(config *clientcmdapi.Config, context string, h *vm.Handle) bool {
	if config.Contexts[context] == nil {
		return false
	}
	server := config.Clusters[config.Contexts[context].Cluster]
	return server != nil && server.Server == h.Kube.Config.Host
}

// contextOf is the name of a cluster's context in the user's kubeconfig.
func contextOf(c *vm.Cluster) string {
	if c.Source != nil {
		return c.Source.Context
	}
	return c.Context()
}

// leaveNamespace says which of the user's contexts still have a namespace of the
// lab's by default, which is gone, and how to give them another.
func (a *app) leaveNamespace(g *labs.Guide, gone, now string) error {
	config, err := kube.UserContexts()
	if err != nil {
		return nil //nolint:nilerr // kubectl says so
	}
	for _, name := range slices.Sorted(maps.Keys(config.Contexts)) {
		namespace := config.Contexts[name].Namespace
		if namespace != gone && !strings.HasPrefix(namespace, gone+"-") {
			continue
		}
		if _, err := fmt.Fprintf(a.out, g.Words(
			"Context %s still has namespace %s by default, which is gone: kubectl config set-context %[1]s --namespace=%[3]s\n",
			"El contexto %s todavía tiene por default el namespace %s, que ya no existe: kubectl config set-context %[1]s --namespace=%[3]s\n"),
			name, namespace, now); err != nil {
			return err
		}
	}
	return nil
}
