package labs

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/strictyaml"
)

// Delete deletes objects, and what they own too unless Cascade is "orphan".
type Delete struct {
	Target
	Cascade Cascade `yaml:"cascade" json:"cascade,omitempty"`
}

// Cascade is what becomes of what a deleted object owns.
type Cascade string

// The ways to cascade, as kubectl names them; empty is background.
const (
	CascadeBackground Cascade = "background" // the owned go afterwards
	CascadeForeground Cascade = "foreground" // the owned go first
	CascadeOrphan     Cascade = "orphan"     // the owned stay
)

// Values are what a file may say.
func (Cascade) Values() []string {
	return []string{string(CascadeBackground), string(CascadeForeground), string(CascadeOrphan)}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Cascade) UnmarshalText(text []byte) error {
	return strictyaml.SetWord(c, "unknown cascade", text)
}

// propagation are the cascades in the API's words.
var propagation = map[Cascade]metav1.DeletionPropagation{
	"":                metav1.DeletePropagationBackground,
	CascadeBackground: metav1.DeletePropagationBackground,
	CascadeForeground: metav1.DeletePropagationForeground,
	CascadeOrphan:     metav1.DeletePropagationOrphan,
}

// String implements deed.
func (d *Delete) String() string { return "delete " + d.Target.String() }

func (d *Delete) validate(v *validator, at string) {
	v.target(at, d.Target, false)
	if d.Name == "" && len(d.Labels) == 0 {
		v.document.Faultf(at, "say which by name or labels")
	}
}

// do deletes by UID: an object that took the name of one meant is spared.
func (d *Delete) do(ctx context.Context, s *session) error {
	return s.each(ctx, d.Target, func(object *unstructured.Unstructured) error {
		resource, _, err := s.handle.Kube.Resource(object.GroupVersionKind(), object.GetNamespace())
		if err != nil {
			return err
		}
		policy, uid := propagation[d.Cascade], object.GetUID()
		err = resource.Delete(ctx, object.GetName(), metav1.DeleteOptions{
			PropagationPolicy: &policy, Preconditions: &metav1.Preconditions{UID: &uid},
		})
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		return err
	})
}

// Patch changes the fields that With has; a strategic merge, as kubectl's.
type Patch struct {
	Target
	With map[string]any `yaml:"with,required" json:"with"`
}

// String implements deed.
func (p *Patch) String() string { return "patch " + p.Target.String() }

func (p *Patch) validate(v *validator, at string) { v.target(at, p.Target, true) }

func (p *Patch) do(ctx context.Context, s *session) error {
	return s.on(p.Target, func(ref kube.Ref) error { return s.handle.Kube.Patch(ctx, ref, "", p.With) })
}

// Scale sets the number of replicas.
type Scale struct {
	Target
	Replicas int `yaml:"replicas,required" json:"replicas"`
}

// String implements deed.
func (c *Scale) String() string { return fmt.Sprintf("scale %s to %d", c.Target, c.Replicas) }

func (c *Scale) validate(v *validator, at string) {
	v.target(at, c.Target, true)
	if c.Replicas < 0 {
		v.document.Faultf(at+".replicas", "want a number of replicas from 0")
	}
}

func (c *Scale) do(ctx context.Context, s *session) error {
	return s.on(c.Target, func(ref kube.Ref) error { return s.handle.Kube.Scale(ctx, ref, c.Replicas) })
}

// Marks puts labels or annotations on objects and takes them off.
type Marks struct {
	Target
	Set    map[string]string `yaml:"set" json:"set,omitempty"`
	Remove []string          `yaml:"remove" json:"remove,omitempty"`
}

// marking is Marks with what is put on: "label" or "annotate".
type marking struct {
	verb string
	*Marks
}

func (m marking) String() string { return m.verb + " " + m.Target.String() }

func (m marking) validate(v *validator, at string) {
	v.target(at, m.Target, false)
	if len(m.Set)+len(m.Remove) == 0 {
		v.document.Faultf(at, "say which %ss to set or remove", map[string]string{"label": "label", "annotate": "annotation"}[m.verb])
	}
}

func (m marking) do(ctx context.Context, s *session) error {
	change := s.handle.Kube.Label
	if m.verb == "annotate" {
		change = s.handle.Kube.Annotate
	}
	changes := map[string]*string{}
	for name, value := range m.Set {
		changes[name] = &value
	}
	for _, name := range m.Remove {
		changes[name] = nil
	}
	return s.each(ctx, m.Target, func(object *unstructured.Unstructured) error { return change(ctx, kube.RefOf(object), changes) })
}

// Evict asks pods to go, as "kubectl drain" does: where a disruption budget
// refuses it asks again, until the step's time is over.
type Evict struct {
	Pod  string            `yaml:"pod" json:"pod,omitempty"`
	Pods map[string]string `yaml:"pods" json:"pods,omitempty"` // labels
	Node string            `yaml:"node" json:"node,omitempty"` // of those, only the ones on this node
}

// String implements deed.
func (e *Evict) String() string {
	return "evict " + Target{Kind: "Pod", Name: e.Pod, Labels: e.Pods}.String()
}

func (e *Evict) validate(v *validator, at string) { v.podOrPods(at, e.Pod, e.Pods) }

func (e *Evict) do(ctx context.Context, s *session) error {
	return s.each(ctx, Target{Kind: "Pod", Name: e.Pod, Labels: e.Pods}, func(pod *unstructured.Unstructured) error {
		if e.Node != "" && kube.Text(pod, "spec", "nodeName") != e.Node || pod.GetDeletionTimestamp() != nil {
			return nil
		}
		uid := pod.GetUID()
		evicted := check.Func("pod "+pod.GetName()+" is evicted", func(ctx context.Context) error {
			err := s.handle.Kube.Evict(ctx, pod.GetNamespace(), pod.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
			if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
				return nil
			}
			if err != nil && !apierrors.IsTooManyRequests(err) {
				return check.Permanent(err)
			}
			return err
		})
		return check.Wait(ctx, evicted, pollInterval, nil)
	})
}
