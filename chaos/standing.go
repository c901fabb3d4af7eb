package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/internal/kube"
)

// readStanding reads the controllers that would make pods such as the target's,
// whether they have any or not: pods alone do not tell of one that cannot make its
// own. Deployments come by way of what they are in the end, too, as a new one has no
// ReplicaSet yet.
func (s *scene) readStanding(ctx context.Context, client *kube.Client) error {
	apps := client.Typed.AppsV1()
	deployments, err := apps.Deployments(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("target: deployments: %w", err)
	}
	for _, d := range deployments.Items {
		c := controller{Kind: "Deployment", Name: d.Name, UID: d.UID, Wanted: replicas(d.Spec.Replicas)}
		kept := false
		for _, set := range s.controllers {
			if set.Owner != nil && set.Owner.UID == c.UID {
				c.Ready += set.Ready
				kept = true
			}
		}
		if kept || s.makes(d.Spec.Template) {
			s.deployed = append(s.deployed, c)
		}
	}
	sets, err := apps.StatefulSets(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("target: statefulsets: %w", err)
	}
	for _, set := range sets.Items {
		if s.makes(set.Spec.Template) && !s.keeps(set.UID) {
			s.controllers = append(s.controllers, controller{Kind: "StatefulSet", Name: set.Name, UID: set.UID, Wanted: replicas(set.Spec.Replicas)})
		}
	}
	daemons, err := apps.DaemonSets(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("target: daemonsets: %w", err)
	}
	for _, set := range daemons.Items {
		if s.makes(set.Spec.Template) && !s.keeps(set.UID) {
			s.controllers = append(s.controllers, controller{Kind: "DaemonSet", Name: set.Name, UID: set.UID, Wanted: int(set.Status.DesiredNumberScheduled)})
		}
	}
	return nil
}

// makes tells whether pods of a template would be the target's.
func (s *scene) makes(t corev1.PodTemplateSpec) bool { return s.selector.Matches(labels.Set(t.Labels)) }

// keeps tells whether a controller is known.
func (s *scene) keeps(uid types.UID) bool {
	return slices.ContainsFunc(slices.Concat(s.controllers, s.deployed), func(c controller) bool { return c.UID == uid })
}

// standing are the controllers that last: not the ReplicaSets of a Deployment, which
// come and go with its releases.
func (s *scene) standing() []controller {
	passing := func(c controller) bool { return c.Owner != nil && c.Owner.Kind == "Deployment" }
	return slices.Concat(s.deployed, slices.DeleteFunc(slices.Clone(s.controllers), passing))
}

// hold notes what became of the controllers that stood before a fault: each must be
// there still, and is asked for its pods also where it has none by now. One that wants
// none any more has them no more than one that is gone; a DaemonSet wants as many as
// there are nodes for it, which is not for it to say.
func (s *scene) hold(ctx context.Context, client *kube.Client, before *scene) error {
	now := s.standing()
	for _, was := range before.standing() {
		at := slices.IndexFunc(now, func(c controller) bool { return c.UID == was.UID })
		c := was
		if at >= 0 {
			c = now[at]
		} else {
			c.Ready = 0
			err := c.read(ctx, client, s.namespace)
			if apierrors.IsNotFound(err) || errors.Is(err, errReplaced) {
				s.lost = append(s.lost, fmt.Sprintf("%s, which was there before the fault, is gone", was))
				continue
			}
			if err != nil {
				return fmt.Errorf("target: %s %q: %w", c.Kind, c.Name, err)
			}
			s.controllers = append(s.controllers, c)
		}
		if was.Wanted > 0 && c.Wanted == 0 && c.Kind != "DaemonSet" {
			s.lost = append(s.lost, fmt.Sprintf("%s wants no pods, and wanted %d before the fault", c, was.Wanted))
		}
	}
	return nil
}

// lacking says of which controllers pods lack, each once: of a Deployment where none
// of its ReplicaSets tells already.
func (s *scene) lacking() []string {
	var words []string
	told := map[types.UID]bool{}
	for _, c := range slices.Concat(s.controllers, s.deployed) {
		if c.Ready >= c.Wanted || told[c.UID] {
			continue
		}
		words = append(words, fmt.Sprintf("%s has %d of %d pods ready", c, c.Ready, c.Wanted))
		if c.Owner != nil {
			told[c.Owner.UID] = true
		}
	}
	return slices.Concat(words, s.lost)
}

// wellAgain is the error of a scene that is not what it was before the fault.
func (r *run) wellAgain(ctx context.Context, s *scene) error {
	if before := r.stood(); before != nil {
		if err := s.hold(ctx, r.kube, before); err != nil {
			return err
		}
	}
	if words := s.unwell(); len(words) > 0 {
		return errors.New(strings.Join(words, ", "))
	}
	if r.whole == nil && !r.injected {
		r.before = s
	}
	return nil
}

// stood is the scene in its steady state before the run, or the whole of it, struck
// first; nil where it has not struck yet.
func (r *run) stood() *scene {
	if r.whole != nil {
		return r.whole.stood()
	}
	if !r.injected {
		return nil
	}
	return r.before
}
