package kube

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Text returns the string at a path of fields, or "".
func Text(object *unstructured.Unstructured, path ...string) string {
	text, _, _ := unstructured.NestedString(object.Object, path...)
	return text
}

// Summary says in one line what an object is up to: "Pod web-1: Pending, not
// Ready, web waits: ImagePullBackOff". It is raw text of the cluster; escape
// it before it is printed.
func Summary(object *unstructured.Unstructured) string {
	var facts []string
	if phase := Text(object, "status", "phase"); phase != "" {
		facts = append(facts, phase)
	}
	for _, count := range []struct{ name, word string }{
		{"replicas", "replicas"}, {"updatedReplicas", "updated"}, {"readyReplicas", "ready"}, {"availableReplicas", "available"},
	} {
		if n, found, _ := unstructured.NestedInt64(object.Object, "status", count.name); found {
			facts = append(facts, fmt.Sprintf("%d %s", n, count.word))
		}
	}
	facts = append(facts, conditions(object)...)
	facts = append(facts, waiting(object)...)
	if object.GetDeletionTimestamp() != nil {
		facts = append(facts, "being deleted")
	}
	text := object.GetKind() + " " + object.GetName()
	if len(facts) > 0 {
		text += ": " + strings.Join(facts, ", ")
	}
	return text
}

// conditions reports readiness, and any other condition that says why.
func conditions(object *unstructured.Unstructured) []string {
	var facts []string
	all, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, c := range all {
		condition, _ := c.(map[string]any)
		kind, status := condition["type"], condition["status"]
		switch {
		case kind == "Ready" && status == "True":
			facts = append(facts, "Ready")
		case kind == "Ready":
			facts = append(facts, "not Ready")
		case kind == "PodScheduled" && status == "False", kind == "Progressing" && status == "False", kind == "ReplicaFailure" && status == "True":
			facts = append(facts, fmt.Sprintf("%v %v: %v", kind, status, condition["message"]))
		}
	}
	return facts
}

// waiting reports containers that do not run, and why.
func waiting(object *unstructured.Unstructured) []string {
	var facts []string
	all, _, _ := unstructured.NestedSlice(object.Object, "status", "containerStatuses")
	for _, c := range all {
		status, _ := c.(map[string]any)
		if reason, found, _ := unstructured.NestedString(status, "state", "waiting", "reason"); found {
			facts = append(facts, fmt.Sprintf("%v waits: %s", status["name"], reason))
		}
		if n, _ := status["restartCount"].(int64); n > 0 {
			facts = append(facts, fmt.Sprintf("%v restarted %d times", status["name"], n))
		}
	}
	return facts
}
