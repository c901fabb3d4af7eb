package chaos

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/internal/kube"
	"axolotl/vm"
)

// candidates are the objects that the fault may take, by name, or pods of an app of the
// run's own by place: what the target's pods are, what keeps them, what they use, or where they run.
func (s *scene) candidates(ctx context.Context, h *vm.Handle, e *Experiment) ([]fault.Target, error) {
	switch on := e.Fault.Effect().On; on {
	case fault.OnPods:
		pods := s.pods
		if e.Target.App != "" {
			pods = byPlace(pods)
		}
		var all []fault.Target
		for _, p := range pods {
			all = append(all, fault.Target{Kind: on, Namespace: p.Namespace, Name: p.Name, UID: p.UID})
		}
		return all, nil
	case fault.OnNodes:
		return s.nodeTargets(e), nil
	case fault.OnDeployments:
		if e.Fault.Effect().Role == fault.RoleDNS {
			return dnsServers(ctx, h)
		}
		return s.deployments(), nil
	case fault.OnConfigMaps, fault.OnSecrets:
		return s.used(ctx, h.Kube, on)
	default:
		return nil, fmt.Errorf("fault %s acts on a %s, which no target has", e.Fault.Name(), on)
	}
}

// byPlace has pods in an order that is the same in every run that puts up its app on the
// same nodes, where their names are made up anew: the first one of each node, by the
// nodes' names, then the second one of each.
func byPlace(pods []corev1.Pod) []corev1.Pod {
	before := map[string]int{}
	place := map[types.UID]int{} // how many of its node come before a pod
	for _, p := range pods {
		place[p.UID] = before[p.Spec.NodeName]
		before[p.Spec.NodeName]++
	}
	return slices.SortedStableFunc(slices.Values(pods), func(a, b corev1.Pod) int {
		return cmp.Or(cmp.Compare(place[a.UID], place[b.UID]), cmp.Compare(a.Spec.NodeName, b.Spec.NodeName))
	})
}

func (s *scene) nodeTargets(e *Experiment) []fault.Target {
	role := e.Fault.Effect().Role
	nodes := s.nodesOf(cmp.Or(e.Target.Nodes, role))
	if role != string(vm.ControlPlane) { // what is broken there serves all nodes
		nodes = s.busy(nodes)
	}
	var all []fault.Target
	for _, n := range nodes {
		all = append(all, fault.Target{Kind: fault.OnNodes, Name: n.Name, UID: n.UID})
	}
	return all
}

// deployments keep the target's pods, by way of ReplicaSets.
func (s *scene) deployments() []fault.Target {
	byUID := map[types.UID]fault.Target{}
	for _, c := range s.controllers {
		if o := c.Owner; o != nil && o.Kind == fault.OnDeployments {
			byUID[o.UID] = fault.Target{Kind: o.Kind, Namespace: s.namespace, Name: o.Name, UID: o.UID}
		}
	}
	return slices.SortedFunc(maps.Values(byUID), func(a, b fault.Target) int { return cmp.Compare(a.Name, b.Name) })
}

// dnsServers serve the cluster's DNS. Where there are none nothing can be shown.
func dnsServers(ctx context.Context, h *vm.Handle) ([]fault.Target, error) {
	all, err := fault.DNSServers(ctx, h)
	if err == nil && len(all) == 0 {
		err = &SkipError{fmt.Sprintf("cluster %q has no DNS server of its own (driver %s); use a cluster made with --driver libvirt", h.Cluster.Name, h.Driver.Name())}
	}
	return all, err
}

// rootCA is in every namespace and belongs to the cluster.
const rootCA = "kube-root-ca.crt"

// used are the ConfigMaps or Secrets that the target's pods name and that are
// there.
func (s *scene) used(ctx context.Context, client *kube.Client, kind string) ([]fault.Target, error) {
	names := map[string]bool{}
	for i := range s.pods {
		for _, name := range usedBy(&s.pods[i].Spec, kind) {
			names[name] = name != rootCA
		}
	}
	gvk, _ := kube.Kind("", kind)
	resource, _, err := client.Resource(gvk, s.namespace)
	if err != nil {
		return nil, err
	}
	var all []fault.Target
	for _, name := range slices.Sorted(maps.Keys(names)) {
		object, err := resource.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || !names[name] {
			continue // optional
		}
		if err != nil {
			return nil, err
		}
		all = append(all, fault.Target{Kind: kind, Namespace: s.namespace, Name: name, UID: object.GetUID()})
	}
	return all, nil
}

// usedBy are the names of the ConfigMaps or Secrets in a pod's containers and
// volumes.
func usedBy(spec *corev1.PodSpec, kind string) []string {
	var names []string
	use := func(of string, name string) {
		if of == kind && name != "" {
			names = append(names, name)
		}
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, e := range c.EnvFrom {
			if e.ConfigMapRef != nil {
				use(fault.OnConfigMaps, e.ConfigMapRef.Name)
			}
			if e.SecretRef != nil {
				use(fault.OnSecrets, e.SecretRef.Name)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
				use(fault.OnConfigMaps, e.ValueFrom.ConfigMapKeyRef.Name)
			}
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				use(fault.OnSecrets, e.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
	for _, v := range spec.Volumes {
		if v.ConfigMap != nil {
			use(fault.OnConfigMaps, v.ConfigMap.Name)
		}
		if v.Secret != nil {
			use(fault.OnSecrets, v.Secret.SecretName)
		}
		if v.Projected == nil {
			continue
		}
		for _, p := range v.Projected.Sources {
			if p.ConfigMap != nil {
				use(fault.OnConfigMaps, p.ConfigMap.Name)
			}
			if p.Secret != nil {
				use(fault.OnSecrets, p.Secret.Name)
			}
		}
	}
	return names
}
