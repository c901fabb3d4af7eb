package chaos

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/fault"
	"axolotl/internal/kube"
)

// ownerOf is what keeps a pod at first hand: its controller, or else the pod itself.
func ownerOf(p *corev1.Pod) fault.Target {
	if owner := metav1.GetControllerOf(p); owner != nil {
		return fault.Target{Kind: owner.Kind, Namespace: p.Namespace, Name: owner.Name, UID: owner.UID}
	}
	return fault.Target{Kind: fault.OnPods, Namespace: p.Namespace, Name: p.Name, UID: p.UID}
}

// keeperOf is what keeps a pod in the end, as the objects themselves say whose they
// are: of a ReplicaSet its Deployment, where it has one.
func keeperOf(ctx context.Context, client *kube.Client, p *corev1.Pod) (fault.Target, error) {
	owner := ownerOf(p)
	if owner.Kind != "ReplicaSet" {
		return owner, nil
	}
	set, err := client.Typed.AppsV1().ReplicaSets(owner.Namespace).Get(ctx, owner.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && set.UID != owner.UID {
		return owner, nil // it is gone, and the pod follows
	}
	if err != nil {
		return fault.Target{}, err
	}
	return above(owner, metav1.GetControllerOf(set)), nil
}

// keeper is what keeps a pod in the end, by what the scene has read of its
// controllers.
func (s *scene) keeper(p *corev1.Pod) fault.Target {
	owner := ownerOf(p)
	for _, c := range s.controllers {
		if c.UID == owner.UID {
			return above(owner, c.Owner)
		}
	}
	return owner
}

// above is the owner of something, or that itself where it has none.
func above(t fault.Target, owner *metav1.OwnerReference) fault.Target {
	if owner == nil {
		return t
	}
	return fault.Target{Kind: owner.Kind, Namespace: t.Namespace, Name: owner.Name, UID: owner.UID}
}
