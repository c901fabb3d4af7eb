package fault

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// The keys of where a pod runs, for faults that are done to it from within its
// node's machine.
const (
	priorMachine     = "machine"
	priorIP          = "ip"
	priorContainerID = "containerID" // of the first container, without the runtime's name
)

// MachineOf is the machine that an object is on: that of a node, or of the one that a
// pod runs on whose fault is done there; for others the name says nothing.
func MachineOf(o Object) string { return machineOf(o) }

// machineOf is the machine that an object is on: a node's has its name.
func machineOf(o Object) string { return cmp.Or(o.Prior[priorMachine], o.Name) }

// podInside is where a pod runs, that a controller keeps. suits, where not nil, says
// why the pod will not do.
func podInside(ctx context.Context, h *vm.Handle, t Target, suits func(p *corev1.Pod) error) (map[string]string, error) {
	if err := keptPod(ctx, h, t); err != nil {
		return nil, err
	}
	pod, err := h.Kube.Typed.CoreV1().Pods(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
	if err == nil && pod.UID != t.UID {
		err = errVanished
	}
	if err == nil && suits != nil {
		err = suits(pod)
	}
	if err != nil {
		return nil, err
	}
	first := pod.Spec.Containers[0].Name
	id := containerID(pod, first)
	if id == "" || pod.Status.PodIP == "" {
		return nil, fmt.Errorf("its container %s does not run; choose a pod that does", first)
	}
	return map[string]string{priorMachine: pod.Spec.NodeName, priorIP: pod.Status.PodIP, priorContainer: first, priorContainerID: id}, nil
}

// containerID is the ID of a container as its runtime knows it: without the
// runtime's name, as in "containerd://ID".
func containerID(pod *corev1.Pod, name string) string {
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == name && c.State.Running != nil {
			_, id, _ := strings.Cut(c.ContainerID, "://")
			return id
		}
	}
	return ""
}
