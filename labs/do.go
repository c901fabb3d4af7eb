package labs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/internal/check"
	"axolotl/internal/kube"
)

// do carries out one action. What it returns is what kubectl would have said:
// that the API server took the request, not that it came true.
func (s *session) do(ctx context.Context, action Action) error {
	a, err := expandAll(action, s.variables)
	if err != nil {
		return err
	}
	switch {
	case a.Namespace != "":
		return s.makeNamespace(ctx, a.Namespace)
	case a.Apply != "":
		return s.apply(ctx, a.Apply)
	case a.Delete != nil:
		return s.delete(ctx, *a.Delete)
	case a.Patch != nil:
		return s.on(a.Patch.Target, func(ref kube.Ref) error { return s.handle.Kube.Patch(ctx, ref, "", a.Patch.With) })
	case a.SetImage != nil:
		return s.on(a.SetImage.Target, func(ref kube.Ref) error {
			return s.handle.Kube.SetImage(ctx, ref, a.SetImage.Container, a.SetImage.Image)
		})
	case a.Scale != nil:
		return s.on(a.Scale.Target, func(ref kube.Ref) error { return s.handle.Kube.Scale(ctx, ref, a.Scale.Replicas) })
	case a.Label != nil:
		return s.label(ctx, *a.Label)
	case a.Env != nil:
		return s.on(a.Env.Target, func(ref kube.Ref) error { return s.env(ctx, ref, *a.Env) })
	case a.Exec != nil:
		return s.exec(ctx, *a.Exec)
	}
	return errors.New("the action is empty")
}

// on calls change with the one object that a target names, if it is the lab's
// own.
func (s *session) on(t Target, change func(kube.Ref) error) error {
	selector, err := s.selector(t)
	if err != nil {
		return err
	}
	if err := s.mayChange(selector); err != nil {
		return err
	}
	return change(kube.Ref{GroupVersionKind: selector.GroupVersionKind, Namespace: selector.Namespace, Name: selector.Name})
}

// mayChange refuses what is outside of the lab's namespaces: another
// namespace, and cluster-wide kinds.
func (s *session) mayChange(selector check.Selector) error {
	_, mapping, err := s.handle.Kube.Resource(selector.GroupVersionKind, selector.Namespace)
	if err != nil {
		return err
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return fmt.Errorf("%s is not in a namespace; a lab changes only what is in its own", selector)
	}
	return s.owns(selector.Namespace)
}

func (s *session) apply(ctx context.Context, manifests string) error {
	objects, err := kube.Decode([]byte(manifests))
	if err != nil {
		return err
	}
	for _, object := range objects {
		if object.GetNamespace() == "" {
			object.SetNamespace(s.namespace)
		}
		selector := check.Selector{GroupVersionKind: object.GroupVersionKind(), Namespace: object.GetNamespace(), Name: object.GetName()}
		if err := s.mayChange(selector); err != nil {
			return err
		}
	}
	_, err = s.handle.Kube.Apply(ctx, s.namespace, objects...)
	return err
}

// propagation are the cascades in the API's words.
var propagation = map[Cascade]metav1.DeletionPropagation{
	"":                metav1.DeletePropagationBackground,
	CascadeBackground: metav1.DeletePropagationBackground,
	CascadeForeground: metav1.DeletePropagationForeground,
	CascadeOrphan:     metav1.DeletePropagationOrphan,
}

// delete deletes by UID: an object that took the name of one meant is spared.
func (s *session) delete(ctx context.Context, d Delete) error {
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

func (s *session) label(ctx context.Context, l Label) error {
	changes := map[string]*string{}
	for name, value := range l.Set {
		changes[name] = &value
	}
	for _, name := range l.Remove {
		changes[name] = nil
	}
	return s.each(ctx, l.Target, func(object *unstructured.Unstructured) error {
		ref := kube.Ref{GroupVersionKind: object.GroupVersionKind(), Namespace: object.GetNamespace(), Name: object.GetName()}
		return s.handle.Kube.Label(ctx, ref, changes)
	})
}

// each calls change for every object that a target means; none is an error,
// as it would change nothing.
func (s *session) each(ctx context.Context, t Target, change func(*unstructured.Unstructured) error) error {
	selector, err := s.selector(t)
	if err != nil {
		return err
	}
	if err := s.mayChange(selector); err != nil {
		return err
	}
	objects, err := selector.List(ctx, s.handle.Kube)
	if err != nil {
		return err
	}
	if len(objects) == 0 {
		return fmt.Errorf("there is no %s", selector)
	}
	for _, object := range objects {
		if err := change(object); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) env(ctx context.Context, ref kube.Ref, e Env) error {
	var variables []corev1.EnvVar
	if e.FromConfigMap != "" {
		from, err := s.handle.Kube.EnvFromConfigMap(ctx, ref.Namespace, e.FromConfigMap)
		if err != nil {
			return err
		}
		variables = from
	}
	for _, name := range slices.Sorted(maps.Keys(e.Set)) {
		variables = append(variables, corev1.EnvVar{Name: name, Value: e.Set[name]})
	}
	return s.handle.Kube.SetEnv(ctx, ref, e.Container, variables, e.Unset)
}

func (s *session) exec(ctx context.Context, e Exec) error {
	pod, err := check.RunningPod(ctx, s.handle.Kube, check.PodSelector(s.namespace, e.Pod, e.Pods))
	if err != nil {
		return err
	}
	output, err := s.handle.Kube.Exec(ctx, s.namespace, pod, e.Container, e.Command)
	if err != nil {
		return err
	}
	if output.ExitCode != 0 {
		return fmt.Errorf("%q in pod %q exits with %d: %s", e.Command, pod, output.ExitCode, output.Stderr)
	}
	return nil
}
