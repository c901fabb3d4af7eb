package addon

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/vm"
)

// remove removes all objects of the add-on, and its namespace last: as long as
// that is there the rest can be found.
func (a *Addon) remove(ctx context.Context, client *kube.Client, ns *corev1.Namespace) error {
	objects, err := a.objects()
	if err != nil {
		return err
	}
	if err := client.Delete(ctx, a.Namespace(), objects...); err != nil {
		return err
	}
	// NOTE: pods get all of their grace, which RemoveNamespace would not give
	// them: they have rules in a kernel to clear away.
	ended := check.Func("its pods have ended", func(ctx context.Context) error {
		pods, err := client.Typed.CoreV1().Pods(ns.Name).List(ctx, metav1.ListOptions{})
		if err == nil && len(pods.Items) > 0 {
			err = fmt.Errorf("pod %s has not", pods.Items[0].Name)
		}
		return err
	})
	if err := wait(ctx, ended); err != nil {
		return err
	}
	return a.gone(ctx, client, ns)
}

// gone removes the namespace and returns when it is gone.
func (a *Addon) gone(ctx context.Context, client *kube.Client, ns *corev1.Namespace) error {
	gone := check.Func("namespace "+ns.Name+" is gone", func(ctx context.Context) error { return client.RemoveNamespace(ctx, ns) })
	return wait(ctx, gone)
}

// wait waits for what ends by itself, and not for ever: others wait for the lock
// on the cluster's add-ons, and one of them may be what would end it.
func wait(ctx context.Context, condition check.Condition) error {
	ctx, cancel := context.WithTimeoutCause(ctx, vm.Deadline, fmt.Errorf("not within %s", vm.Deadline))
	defer cancel()
	return check.Wait(ctx, condition, pollInterval, nil)
}
