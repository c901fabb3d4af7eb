package cluster

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

var (
	//go:embed rights.yaml
	rightsManifest string
	//go:embed coredns.yaml
	corednsManifest string
)

// openAPI connects to the cluster and waits until its API server is ready.
func openAPI(h *vm.Handle) vm.Action {
	return vm.Action{Name: "Wait for the API server", Run: func(ctx context.Context, step *term.Step) (err error) {
		if h.Kube, err = kube.Open(h.Cluster.Kubeconfig(), ""); err != nil {
			return err
		}
		return wait(ctx, h, apiReady(h), step)
	}}
}

// form lists what makes a cluster of an API server that answers.
func (s Store) form(h *vm.Handle) []vm.Action {
	var actions []vm.Action
	if traits := h.Driver.Traits(); traits.RealPods && !traits.Formed {
		actions = append(actions, vm.Action{Name: "Give rights and install CoreDNS", Run: func(ctx context.Context, _ *term.Step) error {
			return install(ctx, h, rightsManifest, corednsManifest)
		}})
	}
	actions = append(actions, vm.Action{Name: "Wait until all nodes are Ready", Run: func(ctx context.Context, step *term.Step) error {
		return wait(ctx, h, nodesReady(h), step)
	}})
	if h.Driver.Traits().RealPods {
		actions = append(actions, vm.Action{Name: "Wait until the cluster's DNS answers", Run: func(ctx context.Context, step *term.Step) error {
			return wait(ctx, h, dnsAnswers(h), step)
		}})
	}
	return actions
}

// serve lists what waits for a restored cluster, in which all was formed but for
// a DNS that asks outside.
func serve(h *vm.Handle) []vm.Action {
	actions := []vm.Action{{Name: "Wait until all nodes are alive", Run: func(ctx context.Context, step *term.Step) error {
		return wait(ctx, h, kubeletsAnswer(h), step)
	}}}
	if h.Cluster.Spec.Internet {
		actions = append(actions, vm.Action{Name: "Let the cluster's DNS ask outside", Run: func(ctx context.Context, step *term.Step) error {
			if err := install(ctx, h, corednsManifest); err != nil {
				return err
			}
			return wait(ctx, h, dnsReplaced(h), step)
		}})
	}
	return append(actions, vm.Action{Name: "Wait until the cluster's DNS answers", Run: func(ctx context.Context, step *term.Step) error {
		return wait(ctx, h, dnsAnswers(h), step)
	}})
}

// finish tells the user's kubectl of the cluster, and calls it up.
func (s Store) finish(h *vm.Handle, options UpOptions) vm.Action {
	return vm.Action{Name: "Write the kubeconfig", Run: func(context.Context, *term.Step) error {
		if options.Kubeconfig != "" {
			path, err := filepath.Abs(options.Kubeconfig)
			if err != nil {
				return err
			}
			if !slices.Contains(h.Cluster.Kubeconfigs, path) {
				h.Cluster.Kubeconfigs = append(h.Cluster.Kubeconfigs, path)
			}
			if err := s.Save(h.Cluster); err != nil {
				return err
			}
			if err := kube.MergeContext(path, h.Cluster.Kubeconfig(), h.Cluster.Context()); err != nil {
				return err
			}
		}
		h.Cluster.BeUp()
		return s.Save(h.Cluster)
	}}
}

// install applies what every cluster with real pods has.
func install(ctx context.Context, h *vm.Handle, manifests ...string) error {
	for _, manifest := range manifests {
		objects, err := kube.Decode([]byte(filled(manifest, h.Cluster.Spec)))
		if err != nil {
			return err
		}
		if _, err := h.Kube.Apply(ctx, metav1.NamespaceSystem, objects...); err != nil {
			return err
		}
	}
	return nil
}

// filled is a manifest for a cluster.
func filled(manifest string, spec vm.Spec) string {
	forward, annotations := "", ""
	if spec.Internet {
		forward = "\n        forward . " + vm.OutsideDNS + "\n        reload"
		// So that a DNS that was restored without is replaced.
		annotations = ", annotations: {axolotl.dev/forward: " + vm.OutsideDNS + "}"
	}
	return strings.NewReplacer(
		"@IMAGE@", image.CoreDNSImage, "@CLUSTER_IP@", vm.ClusterDNS, "@DOMAIN@", vm.ClusterDomain,
		"@FORWARD@", forward, "@ANNOTATIONS@", annotations,
	).Replace(manifest)
}

// nodesReady holds when every machine of the record, or those named, is a Ready
// node. On the way it does for nodes what a cloud's controllers do: it labels
// them by role, gives them what their group has, and approves their kubelets'
// serving certificates.
func nodesReady(h *vm.Handle, names ...string) check.Condition {
	machines := among(h.Cluster, names)
	name := fmt.Sprintf("%d node(s) Ready", len(machines))
	return check.Func(name, func(ctx context.Context) error {
		refused, err := approveServing(ctx, h)
		if err != nil {
			return err
		}
		nodes, err := readNodes(ctx, h.Kube)
		if err != nil {
			return err
		}
		var waiting []string
		for _, m := range machines {
			node := nodes[m.Name]
			if node == nil {
				waiting = append(waiting, m.Name+" has not registered")
				continue
			}
			if why := notReady(node); why != "" {
				waiting = append(waiting, m.Name+": "+why)
				continue
			}
			if err := labelRole(ctx, h, node, m.Role); err != nil {
				return err
			}
			if err := give(ctx, h.Kube, node, h.Cluster.Spec.GroupOf(&m)); err != nil {
				return err
			}
		}
		if len(waiting) > 0 { // a request that is refused may be why, and is no reason to wait by itself
			return fmt.Errorf("%s", shorten(append(refused, waiting...)))
		}
		return nil
	})
}

// notReady says why a node is not Ready; it is empty where it is.
func notReady(node *corev1.Node) string {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			if condition.Status == corev1.ConditionTrue {
				return ""
			}
			return cmp.Or(condition.Message, "it is not Ready")
		}
	}
	return "no word from its kubelet yet"
}

// labelRole sets the role label, which a kubelet may not set on itself.
func labelRole(ctx context.Context, h *vm.Handle, node *corev1.Node, role vm.Role) error {
	label := "node-role.kubernetes.io/" + string(role)
	if _, ok := node.Labels[label]; ok {
		return nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:""}}}`, label)
	_, err := h.Kube.Typed.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kube.FieldManager})
	return err
}

// approveServing approves the serving certificates that kubelets of our own
// machines ask for, after looking at who asks and for what, and says which requests
// of theirs it does not. Others' requests are nobody's that is waited for.
func approveServing(ctx context.Context, h *vm.Handle) (refused []string, err error) {
	requests := h.Kube.Typed.CertificatesV1().CertificateSigningRequests()
	list, err := requests.List(ctx, metav1.ListOptions{
		FieldSelector: "spec.signerName=" + certificatesv1.KubeletServingSignerName,
	})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		csr := &list.Items[i]
		m := asker(csr, h.Cluster)
		if m == nil || decided(csr) {
			continue
		}
		if err := isOfKubelet(csr, m); err != nil {
			refused = append(refused, fmt.Sprintf("certificate request %s: %v", csr.Name, err))
			continue
		}
		csr.Status.Conditions = append(csr.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
			Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "AxolotlMachine",
			Message: "asked for by the kubelet of a machine that axolotl made", LastUpdateTime: metav1.NewTime(time.Now()),
		})
		if _, err := requests.UpdateApproval(ctx, csr.Name, csr, metav1.UpdateOptions{}); err != nil {
			return nil, err
		}
	}
	return refused, nil
}

func decided(csr *certificatesv1.CertificateSigningRequest) bool {
	for _, condition := range csr.Status.Conditions {
		if condition.Type == certificatesv1.CertificateApproved || condition.Type == certificatesv1.CertificateDenied {
			return true
		}
	}
	return false
}

func shorten(waiting []string) string {
	const most = 3
	if len(waiting) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(waiting[:most], "; "), len(waiting)-most)
	}
	return strings.Join(waiting, "; ")
}
