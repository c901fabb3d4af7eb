package addon

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// pollInterval: pods take seconds to start.
const pollInterval = 200 * time.Millisecond

// install gives the machines the image, makes the objects, and waits until the
// add-on serves.
func (a *Addon) install(ctx context.Context, h *vm.Handle, load bool, step *term.Step) error {
	if load {
		err := h.LoadImages(ctx, func(home store.Home, archive string) error { return a.Image.Save(ctx, home, archive, step) }, step)
		if err != nil {
			return err
		}
	}
	step.Status("installing")
	objects, err := a.objects()
	if err != nil {
		return err
	}
	if a.complete != nil {
		if err := a.complete(a.Namespace(), objects); err != nil {
			return err
		}
	}
	if _, err := h.Kube.Apply(ctx, a.Namespace(), objects...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, vm.Deadline, fmt.Errorf("not within %s; see: kubectl -n %s get pods,events", vm.Deadline, a.Namespace()))
	defer cancel()
	serves := check.Func("it serves", func(ctx context.Context) error { return a.serves(ctx, h.Kube) })
	return check.Wait(ctx, serves, pollInterval, func(err error) { step.Status("%v", err) })
}

// serves returns nil where every workload of the add-on is ready, on each node
// that it is for, and it does what it is for.
func (a *Addon) serves(ctx context.Context, client *kube.Client) error {
	deployments, err := client.Typed.AppsV1().Deployments(a.Namespace()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	daemons, err := client.Typed.AppsV1().DaemonSets(a.Namespace()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, d := range deployments.Items {
		if s := d.Status; s.ObservedGeneration < d.Generation || s.UpdatedReplicas < *d.Spec.Replicas || s.AvailableReplicas < s.Replicas {
			return fmt.Errorf("deployment %s is not ready (%s)", d.Name, a.pods(ctx, client))
		}
	}
	for _, d := range daemons.Items {
		s := d.Status
		if s.ObservedGeneration < d.Generation || s.DesiredNumberScheduled == 0 || s.UpdatedNumberScheduled < s.DesiredNumberScheduled || s.NumberAvailable < s.DesiredNumberScheduled {
			return fmt.Errorf("daemon set %s is not ready on every node (%s)", d.Name, a.pods(ctx, client))
		}
	}
	if len(deployments.Items)+len(daemons.Items) == 0 {
		return fmt.Errorf("nothing runs in namespace %s", a.Namespace())
	}
	if a.serving != nil {
		return a.serving(ctx, client)
	}
	return nil
}

// pods are the add-on's, in words.
func (a *Addon) pods(ctx context.Context, client *kube.Client) string {
	selector := check.Selector{GroupVersionKind: kube.PodKind, Namespace: a.Namespace()}
	pods, err := selector.List(ctx, client)
	switch {
	case err != nil:
		return err.Error()
	case len(pods) == 0:
		return "it has no pod"
	}
	return kube.Summary(pods[len(pods)-1])
}

// loaded tells whether every node says that it has the image.
func (a *Addon) loaded(ctx context.Context, client *kube.Client) (bool, error) {
	nodes, err := client.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	for i := range nodes.Items {
		if !hasImage(&nodes.Items[i], a.Image.Ref) {
			return false, nil
		}
	}
	return len(nodes.Items) > 0, nil
}

func hasImage(node *corev1.Node, ref string) bool {
	for _, image := range node.Status.Images {
		for _, name := range image.Names {
			if name == ref {
				return true
			}
		}
	}
	return false
}
