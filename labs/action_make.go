package labs

import (
	"context"
	"errors"
	"strings"

	"axolotl/internal/check"
	"axolotl/internal/kube"
)

// namespaceDeed makes a namespace of the lab's own.
type namespaceDeed string

func (n namespaceDeed) String() string { return "namespace " + string(n) }

func (n namespaceDeed) validate(v *validator, at string) {
	if !strings.HasPrefix(strings.ReplaceAll(string(n), " ", ""), "{{namespace}}") {
		v.document.Faultf(at, `a lab makes only namespaces of its own; begin with "{{ namespace }}"`)
	}
}

func (n namespaceDeed) do(ctx context.Context, s *session) error {
	return s.makeNamespace(ctx, string(n))
}

// applyDeed applies manifests.
type applyDeed string

func (applyDeed) String() string { return "apply" }

func (a applyDeed) validate(v *validator, at string) { v.manifests(at, string(a)) }

func (a applyDeed) do(ctx context.Context, s *session) error {
	objects, err := kube.Decode([]byte(a))
	if err != nil {
		return err
	}
	for _, object := range objects {
		if object.GetKind() == "Namespace" {
			return errors.New("a lab makes its namespaces by the action \"namespace\", so that they are removed with it")
		}
		if object.GetNamespace() == "" && object.GetKind() != "PersistentVolume" {
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
