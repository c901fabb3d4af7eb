package local

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/internal/kube"
)

// boot does to a node that is off what its machine and its kubelet would when the
// power is back: it is in another boot, and the containers that ran in the one
// before have started anew. That the pods are ready then is for kwok to say.
func boot(ctx context.Context, client *kube.Client, machine string) error {
	status := map[string]any{"nodeInfo": map[string]any{"bootID": uuid.NewString()}}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: kube.FieldManager}
	core := client.Typed.CoreV1()
	if _, err := core.Nodes().Patch(ctx, machine, types.MergePatchType, patch, options, "status"); err != nil {
		return err
	}
	pods, err := core.Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + machine})
	if err != nil {
		return err
	}
	now := metav1.Now()
	var errs []error
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		patch, err := json.Marshal(map[string]any{"status": restarted(pod, now)})
		if err == nil {
			_, err = core.Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, options, "status")
		}
		if !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// restarted is the status of a pod whose containers have ended with their machine
// and run again.
func restarted(pod *corev1.Pod, now metav1.Time) map[string]any {
	containers := pod.Status.ContainerStatuses
	for i := range containers {
		c := &containers[i]
		if c.State.Running == nil {
			continue
		}
		// What a runtime says of what it has not seen end.
		c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 255, Reason: "Unknown", StartedAt: c.State.Running.StartedAt, FinishedAt: now}
		c.State.Running.StartedAt = now
		c.RestartCount++
	}
	var conditions []corev1.PodCondition
	for _, kind := range []corev1.PodConditionType{corev1.ContainersReady, corev1.PodReady} {
		conditions = append(conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: "ContainersNotReady", LastTransitionTime: now})
	}
	return map[string]any{"containerStatuses": containers, "conditions": conditions}
}
