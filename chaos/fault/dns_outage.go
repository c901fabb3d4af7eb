package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// DNSOutage scales the cluster's DNS server to nothing.
type DNSOutage struct {
	ScaleToZero `yaml:",inline"`
}

// RoleDNS narrows targets that are deployments to the cluster's DNS server.
const RoleDNS = "dns"

// Where the DNS server is, in every cluster that kubeadm makes.
const (
	dnsNamespace = metav1.NamespaceSystem
	dnsService   = "kube-dns"
	dnsLabel     = "k8s-app=" + dnsService
)

// Name implements Fault.
func (*DNSOutage) Name() string { return "dns-outage" }

// Effect implements Fault. What runs goes on, without names. A DNS server that
// is told to end answers for a while yet (CoreDNS: 5 s of lameduck).
func (*DNSOutage) Effect() Effect {
	return Effect{On: OnDeployments, Takes: TakesNothing, Role: RoleDNS, Slow: true}
}

// Doc implements Fault.
func (*DNSOutage) Doc() Doc {
	return Doc{
		Does:   "scales the cluster's DNS server to 0: names are not found any more, and what has a connection keeps it",
		Needs:  "a DNS server that is a Deployment, as CoreDNS is by kubeadm",
		Proved: "it has no pod, and its service no endpoint that is ready; on real machines no name is answered",
		Undone: "the number of replicas that was is set again, unless somebody else has set one; its service has an endpoint; on real machines names are answered",
	}
}

// Available implements Fault.
func (*DNSOutage) Available(_ context.Context, h *vm.Handle) error {
	if !h.Driver.Traits().RealPods {
		return fmt.Errorf("driver %q runs no DNS server, so there is none to break; use a cluster made with --driver libvirt", h.Driver.Name())
	}
	return nil
}

// DNSServers are the Deployments that serve the cluster's DNS.
func DNSServers(ctx context.Context, h *vm.Handle) ([]Target, error) {
	found, err := h.Kube.Typed.AppsV1().Deployments(dnsNamespace).List(ctx, metav1.ListOptions{LabelSelector: dnsLabel})
	if err != nil {
		return nil, err
	}
	var all []Target
	for _, d := range found.Items {
		all = append(all, Target{Kind: OnDeployments, Namespace: d.Namespace, Name: d.Name, UID: d.UID})
	}
	return all, nil
}

// Injected implements Fault.
func (f *DNSOutage) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	seen, err := f.ScaleToZero.Injected(ctx, h, objects)
	if err != nil {
		return "", err
	}
	if ready, err := dnsEndpoints(ctx, h); err != nil || ready > 0 {
		return "", errors.Join(err, fmt.Errorf("service %s has %d endpoints that are ready", dnsService, ready))
	}
	asked, err := resolve(ctx, h)
	switch {
	case !asked:
		return seen + "; its service has no endpoint", nil
	case err == nil:
		return "", errors.New("a name is still answered")
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	return seen + "; no name is answered", nil
}

// Undone implements Fault.
func (f *DNSOutage) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	seen, err := f.ScaleToZero.Undone(ctx, h, objects)
	if err != nil {
		return "", err
	}
	// One that had no replicas, or is gone, has none to wait for.
	served := slices.ContainsFunc(objects, func(o Object) bool {
		now, err := replicasOf(ctx, h, o.Target)
		return err == nil && now != "0"
	})
	if !served {
		return seen, nil
	}
	if ready, err := dnsEndpoints(ctx, h); err != nil || ready == 0 {
		return "", errors.Join(err, fmt.Errorf("service %s has no endpoint that is ready", dnsService))
	}
	asked, err := resolve(ctx, h)
	if err != nil {
		return "", err
	}
	if asked {
		seen += "; names are answered"
	}
	return seen, nil
}

// dnsEndpoints counts the endpoints of the DNS service that are ready.
func dnsEndpoints(ctx context.Context, h *vm.Handle) (int, error) {
	found, err := h.Kube.Typed.DiscoveryV1().EndpointSlices(dnsNamespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + dnsService})
	if err != nil {
		return 0, err
	}
	ready := 0
	for _, s := range found.Items {
		for _, e := range s.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				ready++
			}
		}
	}
	return ready, nil
}

// resolve asks the cluster's DNS from the first machine, where commands can be
// run in it.
func resolve(ctx context.Context, h *vm.Handle) (asked bool, err error) {
	inside, err := executor(h)
	if err != nil {
		return false, nil //nolint:nilerr // simulated nodes, or somebody else's
	}
	_, err = inside.Exec(ctx, h.Cluster, h.Cluster.Machines[0].Name, "/bin/busybox", "timeout", "3", "/bin/busybox", "nslookup",
		"kubernetes.default.svc."+vm.ClusterDomain, vm.ClusterDNS)
	return true, err
}
