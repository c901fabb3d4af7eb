package labs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
)

// A PersistentVolume is in no namespace. One whose name begins with the lab's
// namespace, which no other session has, is the lab's own all the same, whoever
// made it, and is removed at the end. What is on it stays on its node.
//
// One that a provisioner made for a claim of the lab is removed by that, with
// what is on it; it is waited for.

// ownsVolume tells whether a selector means a volume of the lab's own.
func (s *session) ownsVolume(selector check.Selector) bool {
	return selector.Kind == "PersistentVolume" && selector.Group == "" && s.ownVolume(selector.Name)
}

func (s *session) ownVolume(name string) bool { return strings.HasPrefix(name, s.namespace+"-") }

// removeVolumes removes the session's volumes and waits until they are gone,
// which they are not while a claim holds them.
func (s *session) removeVolumes(ctx context.Context) error {
	if left, err := s.deleteVolumes(ctx); err != nil || left == 0 {
		return err
	}
	gone := check.Func("the lab's volumes are gone", func(ctx context.Context) error {
		left, err := s.volumes(ctx)
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("still there: %s", strings.Join(left, ", "))
		}
		return err
	})
	return ended(ctx, gone)
}

// deleteVolumes deletes the session's own volumes, and returns how many there were,
// with those that go by themselves.
func (s *session) deleteVolumes(ctx context.Context) (int, error) {
	names, err := s.volumes(ctx)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, name := range names {
		if !s.ownVolume(name) {
			continue
		}
		err := s.handle.Kube.Typed.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return len(names), errors.Join(errs...)
}

// volumes lists the session's volumes, and those made for its claims that go
// with them.
func (s *session) volumes(ctx context.Context) ([]string, error) {
	list, err := s.handle.Kube.Typed.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range list.Items {
		v := &list.Items[i]
		claim := v.Spec.ClaimRef
		provisioned := claim != nil && s.owns(claim.Namespace) == nil && v.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete
		if s.ownVolume(v.Name) || provisioned {
			names = append(names, v.Name)
		}
	}
	return names, nil
}
