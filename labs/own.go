package labs

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/internal/check"
	"axolotl/internal/kube"
)

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
// namespace, and cluster-wide kinds. A lab's own namespaces are its own.
func (s *session) mayChange(selector check.Selector) error {
	if selector.Kind == "Namespace" && selector.Group == "" {
		return s.owns(selector.Name)
	}
	if s.ownsVolume(selector) {
		return nil
	}
	_, mapping, err := s.handle.Kube.Resource(selector.GroupVersionKind, selector.Namespace)
	if err != nil {
		return err
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return fmt.Errorf("%s is not in a namespace; a lab changes only what is in its own", selector)
	}
	return s.owns(selector.Namespace)
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
