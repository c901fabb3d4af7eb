package observe

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"axolotl/chaos/timeline"
)

// PodState is what a timeline needs to know of a pod.
func PodState(pod *corev1.Pod) timeline.Pod {
	p := timeline.Pod{
		UID: pod.UID, Namespace: pod.Namespace, Name: pod.Name, Node: pod.Spec.NodeName,
		Leaving: pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded,
		Started: len(pod.Status.ContainerStatuses) == len(pod.Spec.Containers),
	}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		p.Owner = owner.UID
	}
	for _, c := range pod.Status.ContainerStatuses {
		p.Restarts += c.RestartCount
		p.Started = p.Started && c.State.Running != nil
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			p.Ready = c.Status == corev1.ConditionTrue
		}
	}
	return p
}

// NodeState is what a timeline needs to know of a node.
func NodeState(node *corev1.Node) timeline.Node {
	n := timeline.Node{UID: node.UID, Name: node.Name, BootID: node.Status.NodeInfo.BootID}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			n.Ready = c.Status == corev1.ConditionTrue
		}
	}
	for _, t := range node.Spec.Taints {
		n.Taints = append(n.Taints, t.Key)
	}
	return n
}

func podSeen(object runtime.Object) *timeline.Observation {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return nil
	}
	p := PodState(pod)
	return &timeline.Observation{Pod: &p}
}

func podGone(object runtime.Object) *timeline.Observation {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return nil
	}
	return &timeline.Observation{PodGone: pod.UID}
}

func nodeSeen(object runtime.Object) *timeline.Observation {
	node, ok := object.(*corev1.Node)
	if !ok {
		return nil
	}
	n := NodeState(node)
	return &timeline.Observation{Node: &n}
}

func nodeGone(object runtime.Object) *timeline.Observation {
	node, ok := object.(*corev1.Node)
	if !ok {
		return nil
	}
	return &timeline.Observation{NodeGone: node.UID}
}

func sliceSeen(object runtime.Object) *timeline.Observation {
	slice, ok := object.(*discoveryv1.EndpointSlice)
	if !ok {
		return nil
	}
	s := &timeline.Slice{Name: slice.Namespace + "/" + slice.Name}
	for _, e := range slice.Endpoints {
		// NOTE: a missing condition means ready, says the API.
		ready := e.Conditions.Ready == nil || *e.Conditions.Ready
		if ready && e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
			s.Ready = append(s.Ready, e.TargetRef.UID)
		}
	}
	return &timeline.Observation{Slice: s}
}

func sliceGone(object runtime.Object) *timeline.Observation {
	slice, ok := object.(*discoveryv1.EndpointSlice)
	if !ok {
		return nil
	}
	return &timeline.Observation{Slice: &timeline.Slice{Name: slice.Namespace + "/" + slice.Name}}
}

func eventSeen(object runtime.Object) *timeline.Observation {
	event, ok := object.(*corev1.Event)
	if !ok {
		return nil
	}
	return &timeline.Observation{Note: &timeline.Note{
		Object: event.InvolvedObject.Kind + " " + event.InvolvedObject.Name,
		Reason: event.Reason, Message: event.Message,
	}}
}

// nothing is for what tells nothing by going: events expire.
func nothing(runtime.Object) *timeline.Observation { return nil }
