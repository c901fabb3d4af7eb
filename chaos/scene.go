package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/chaos/observe"
	"axolotl/chaos/timeline"
	"axolotl/internal/kube"
)

// scene is the cluster as far as an experiment is concerned, read at once.
type scene struct {
	namespace   string
	selector    labels.Selector
	pods        []corev1.Pod // selected, not leaving, by name
	controllers []controller // of the pods, by name, and such as should have some
	deployed    []controller // the Deployments above those, and such as should have some
	lost        []string     // what became of those that were there before a fault, see hold
	nodes       []corev1.Node
}

// controller is what keeps pods.
type controller struct {
	Kind, Name string
	UID        types.UID
	Owner      *metav1.OwnerReference // of the controller itself: the Deployment of a ReplicaSet
	Wanted     int
	Ready      int // of the pods that were read
}

func (c controller) String() string { return c.Kind + " " + c.Name }

// readScene reads the pods that a target names, their controllers, and all
// nodes. A target that is put up for the run is named by namespace and
// deployment by then.
func readScene(ctx context.Context, client *kube.Client, t Target) (*scene, error) {
	s := &scene{namespace: t.Namespace, selector: labels.SelectorFromSet(t.Selector)}
	if t.Deployment != "" {
		d, err := client.Typed.AppsV1().Deployments(t.Namespace).Get(ctx, t.Deployment, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("target: %w", err)
		}
		if s.selector, err = metav1.LabelSelectorAsSelector(d.Spec.Selector); err != nil {
			return nil, fmt.Errorf("target: selector of deployment %q: %w", t.Deployment, err)
		}
	}
	pods, err := client.Typed.CoreV1().Pods(t.Namespace).List(ctx, metav1.ListOptions{LabelSelector: s.selector.String()})
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	for _, p := range pods.Items {
		if !observe.PodState(&p).Leaving {
			s.pods = append(s.pods, p)
		}
	}
	slices.SortFunc(s.pods, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	if err := s.readControllers(ctx, client); err != nil {
		return nil, err
	}
	if err := s.readStanding(ctx, client); err != nil {
		return nil, err
	}
	nodes, err := client.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	s.nodes = nodes.Items
	slices.SortFunc(s.nodes, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

func (s *scene) readControllers(ctx context.Context, client *kube.Client) error {
	for i := range s.pods {
		owner := metav1.GetControllerOf(&s.pods[i])
		if owner == nil {
			continue
		}
		at := slices.IndexFunc(s.controllers, func(c controller) bool { return c.UID == owner.UID })
		if at < 0 {
			c := controller{Kind: owner.Kind, Name: owner.Name, UID: owner.UID}
			err := c.read(ctx, client, s.namespace)
			if err != nil {
				return fmt.Errorf("target: %s %q: %w", owner.Kind, owner.Name, err)
			}
			s.controllers = append(s.controllers, c)
			at = len(s.controllers) - 1
		}
		if observe.PodState(&s.pods[i]).Ready {
			s.controllers[at].Ready++
		}
	}
	return nil
}

// errReplaced is the error of a controller in whose place is another of its name.
var errReplaced = errors.New("another has its name")

// replicas is how many pods a spec asks for, as the API defaults it.
func replicas(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// read completes a controller: how many pods it wants, and its owner.
func (c *controller) read(ctx context.Context, client *kube.Client, namespace string) error {
	apps := client.Typed.AppsV1()
	var found metav1.Object
	var err error
	switch c.Kind {
	case "Deployment":
		d, getErr := apps.Deployments(namespace).Get(ctx, c.Name, metav1.GetOptions{})
		found, err, c.Wanted = d, getErr, replicas(d.Spec.Replicas)
	case "ReplicaSet":
		set, getErr := apps.ReplicaSets(namespace).Get(ctx, c.Name, metav1.GetOptions{})
		found, err, c.Wanted, c.Owner = set, getErr, replicas(set.Spec.Replicas), metav1.GetControllerOf(set)
	case "StatefulSet":
		set, getErr := apps.StatefulSets(namespace).Get(ctx, c.Name, metav1.GetOptions{})
		found, err, c.Wanted = set, getErr, replicas(set.Spec.Replicas)
	case "DaemonSet":
		set, getErr := apps.DaemonSets(namespace).Get(ctx, c.Name, metav1.GetOptions{})
		found, err, c.Wanted = set, getErr, int(set.Status.DesiredNumberScheduled)
	default:
		return fmt.Errorf("pods of a %s are not known to come back; use a Deployment, ReplicaSet, StatefulSet or DaemonSet", c.Kind)
	}
	if err == nil && found.GetUID() != c.UID {
		return errReplaced
	}
	return err
}

// unwell says what keeps the scene from being steady, in words; nothing where
// all is well.
func (s *scene) unwell() []string {
	var words []string
	for _, n := range s.nodes {
		if !observe.NodeState(&n).Ready {
			words = append(words, fmt.Sprintf("node %s is not Ready", n.Name))
		}
	}
	words = append(words, s.lacking()...)
	if len(s.pods) == 0 {
		words = append(words, fmt.Sprintf("no pod in namespace %s matches %s", s.namespace, s.selector))
	}
	return words
}

// has tells whether a pod is an object, is on it, or is kept by it.
func (s *scene) has(o fault.Object, p timeline.Pod) bool {
	switch o.Kind {
	case fault.OnNodes:
		return p.Node == o.Name
	case fault.OnDeployments:
		return slices.ContainsFunc(s.controllers, func(c controller) bool {
			return c.UID == p.Owner && c.Owner != nil && c.Owner.UID == o.UID
		})
	}
	return p.UID == o.UID
}
