package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RemoveNamespace does the next thing towards a namespace's end and returns nil
// when it is gone, or another one has its name; until then the error says what
// is left. It is to be called again and again.
//
// What makes pods goes first, then the pods, which are not given the half
// minute that a program with no ear for SIGTERM takes, then the namespace: its
// controller looks only once in a while whether pods that it found ending have
// ended. So it takes the five seconds that the controller always waits, and
// little more.
func (c *Client) RemoveNamespace(ctx context.Context, ns *corev1.Namespace) error {
	now, err := c.Typed.CoreV1().Namespaces().Get(ctx, ns.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && now.UID != ns.UID {
		return nil
	}
	if err != nil {
		return err
	}
	left, err := c.removePods(ctx, ns.Name)
	if err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("%d pods of namespace %s are not yet gone", left, ns.Name)
	}
	if err := c.deleteNamespace(ctx, now); err != nil {
		return err
	}
	return fmt.Errorf("namespace %s is not yet gone%s", ns.Name, held(now))
}

// LeaveNamespace begins a namespace's end as RemoveNamespace does and leaves the
// rest to Kubernetes, which takes its time. One that is ending is left alone.
func (c *Client) LeaveNamespace(ctx context.Context, ns *corev1.Namespace) error {
	if ns.DeletionTimestamp != nil {
		return nil
	}
	if _, err := c.removePods(ctx, ns.Name); err != nil {
		return err
	}
	return c.deleteNamespace(ctx, ns)
}

// deleteNamespace asks for a namespace's end, once.
func (c *Client) deleteNamespace(ctx context.Context, ns *corev1.Namespace) error {
	if ns.DeletionTimestamp != nil {
		return nil
	}
	err := c.Typed.CoreV1().Namespaces().Delete(ctx, ns.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(ns.UID))})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // gone, or another one has its name
	}
	return err
}

// held says what holds up the end of a namespace, in Kubernetes' own words. It
// waits for every API, also one that has nothing in it and whose server is away.
func held(ns *corev1.Namespace) string {
	var by strings.Builder
	for _, c := range ns.Status.Conditions {
		if c.Status == corev1.ConditionTrue {
			fmt.Fprintf(&by, "; %s: %s", c.Type, c.Message)
		}
	}
	return by.String()
}

// removeWorkloads deletes what would make new pods.
func (c *Client) removeWorkloads(ctx context.Context, namespace string) error {
	background := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{PropagationPolicy: &background}
	type collection interface {
		DeleteCollection(context.Context, metav1.DeleteOptions, metav1.ListOptions) error
	}
	apps, batch := c.Typed.AppsV1(), c.Typed.BatchV1()
	var errs []error
	for _, all := range []collection{
		batch.CronJobs(namespace), batch.Jobs(namespace),
		apps.Deployments(namespace), apps.StatefulSets(namespace), apps.DaemonSets(namespace),
		apps.ReplicaSets(namespace), c.Typed.CoreV1().ReplicationControllers(namespace),
	} {
		errs = append(errs, all.DeleteCollection(ctx, options, metav1.ListOptions{}))
	}
	return errors.Join(errs...)
}

// removePods deletes the pods of a namespace, after what would make new ones, and
// returns how many were there. While all of them are ending it only looks: an
// emulated control plane has its hands full with them.
func (c *Client) removePods(ctx context.Context, namespace string) (int, error) {
	pods, err := c.Typed.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	second := int64(1)
	stay := slices.DeleteFunc(slices.Clone(pods.Items), func(pod corev1.Pod) bool {
		return pod.DeletionGracePeriodSeconds != nil && *pod.DeletionGracePeriodSeconds <= second
	})
	if len(stay) > 0 {
		if err := c.removeWorkloads(ctx, namespace); err != nil {
			return 0, err
		}
	}
	for _, pod := range stay {
		options := metav1.DeleteOptions{GracePeriodSeconds: &second, Preconditions: metav1.NewUIDPreconditions(string(pod.UID))}
		err := c.Typed.CoreV1().Pods(namespace).Delete(ctx, pod.Name, options)
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return 0, err
		}
	}
	return len(pods.Items), nil
}
