package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/internal/term"
	"axolotl/vm"
)

// pollInterval is short because local and restored clusters answer within
// fractions of a second; one request costs the API server a millisecond.
const pollInterval = 50 * time.Millisecond

// wait waits for a condition of a cluster and tells the step what is missing.
func wait(ctx context.Context, h *vm.Handle, condition check.Condition, step *term.Step) error {
	ctx, cancel := context.WithTimeout(ctx, h.Cluster.Spec.Deadline())
	defer cancel()
	return check.Wait(ctx, condition, pollInterval, func(err error) { step.Status("%v", err) })
}

// dnsServes holds when the Service of the cluster's DNS has an endpoint that is
// ready.
func dnsServes(h *vm.Handle) check.Condition {
	return check.Func("the cluster's DNS is ready", func(ctx context.Context) error {
		found, err := h.Kube.Typed.DiscoveryV1().EndpointSlices(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{
			LabelSelector: discoveryv1.LabelServiceName + "=kube-dns",
		})
		if err != nil {
			return err
		}
		for _, slice := range found.Items {
			for _, endpoint := range slice.Endpoints {
				if ready := endpoint.Conditions.Ready; ready == nil || *ready {
					return nil
				}
			}
		}
		return fmt.Errorf("Service kube-system/kube-dns has no endpoint that is ready")
	})
}

// dnsReplaced holds when all pods of the cluster's DNS are of its last version,
// and are available.
func dnsReplaced(h *vm.Handle) check.Condition {
	return check.Func("the cluster's DNS is replaced", func(ctx context.Context) error {
		dns, err := h.Kube.Typed.AppsV1().Deployments(metav1.NamespaceSystem).Get(ctx, "coredns", metav1.GetOptions{})
		if err != nil {
			return err
		}
		want, s := *dns.Spec.Replicas, dns.Status
		if s.ObservedGeneration < dns.Generation || s.UpdatedReplicas < want || s.AvailableReplicas < want || s.Replicas > want {
			return fmt.Errorf("Deployment kube-system/coredns has %d of %d pods that are new, %d available, %d in all",
				s.UpdatedReplicas, want, s.AvailableReplicas, s.Replicas)
		}
		return nil
	})
}

// machinesInterval is how often it is seen, while an API server is waited for,
// whether machines still run: some drivers ask that API server.
const machinesInterval = 3 * time.Second

// apiReady holds when the API server says that it is ready. A machine that is
// not running ends the wait: no waiting starts it.
func apiReady(h *vm.Handle) check.Condition {
	ready := h.Kube.Ready
	if h.Cluster.Begun {
		ready = h.Kube.Serves
	}
	asked := time.Now()
	return check.Func("the API server is ready", func(ctx context.Context) error {
		err := ready(ctx)
		if err == nil || time.Since(asked) < machinesInterval {
			return err
		}
		asked = time.Now()
		statuses, statusErr := h.Driver.Machines(ctx, h.Cluster)
		if statusErr != nil {
			return err
		}
		for _, status := range statuses {
			if status.State == vm.MachineCrashed || status.State == vm.MachineMissing {
				return check.Permanent(fmt.Errorf("machine %s is %s (%s); see %s", status.Name, status.State, status.Reason,
					h.Cluster.Path("machines", status.Name, "console.log")))
			}
		}
		return err
	})
}

// dnsAnswers holds when the cluster's DNS answers on every node, or those named,
// asked on the address that pods ask. Of a DNS that is not ours it must be seen
// that its pods are Ready.
func dnsAnswers(h *vm.Handle, names ...string) check.Condition {
	if h.Driver.Traits().Formed {
		return dnsServes(h)
	}
	name := "kubernetes.default.svc." + vm.ClusterDomain
	return check.Func("the cluster's DNS answers", func(ctx context.Context) error {
		executor, ok := h.Driver.(vm.Executor)
		if !ok {
			return check.Permanent(fmt.Errorf("driver %s cannot run commands in its machines", h.Driver.Name()))
		}
		// A look at the API is cheap; a question in a machine that is busy
		// enough makes it wait for longer.
		if err := dnsServes(h).Check(ctx); err != nil {
			return err
		}
		for _, m := range among(h.Cluster, names) {
			// busybox prints whom it asked in a line "Address:\t10.96.0.10:53", and
			// what is answered in one "Address: 10.96.0.1".
			out, err := executor.Exec(ctx, h.Cluster, m.Name, "/bin/busybox", "nslookup", name, vm.ClusterDNS)
			if err != nil {
				return err
			}
			if !slices.Contains(strings.Split(out, "\n"), "Address: "+vm.APIServiceAddress) {
				return fmt.Errorf("on %s, %s is answered by: %s", m.Name, name, strings.Join(strings.Fields(out), " "))
			}
		}
		return nil
	})
}
