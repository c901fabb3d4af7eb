package kube

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// PodKind is the kind of pods.
var PodKind = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}

// builtin are the kinds that people name without an API version.
var builtin = map[string]string{
	"ConfigMap":               "v1",
	"Endpoints":               "v1",
	"Event":                   "v1",
	"LimitRange":              "v1",
	"Namespace":               "v1",
	"Node":                    "v1",
	"PersistentVolume":        "v1",
	"PersistentVolumeClaim":   "v1",
	"Pod":                     "v1",
	"ResourceQuota":           "v1",
	"Secret":                  "v1",
	"Service":                 "v1",
	"ServiceAccount":          "v1",
	"ControllerRevision":      "apps/v1",
	"DaemonSet":               "apps/v1",
	"Deployment":              "apps/v1",
	"ReplicaSet":              "apps/v1",
	"StatefulSet":             "apps/v1",
	"HorizontalPodAutoscaler": "autoscaling/v2",
	"CronJob":                 "batch/v1",
	"Job":                     "batch/v1",
	"EndpointSlice":           "discovery.k8s.io/v1",
	"Ingress":                 "networking.k8s.io/v1",
	"IngressClass":            "networking.k8s.io/v1",
	"NetworkPolicy":           "networking.k8s.io/v1",
	"PodDisruptionBudget":     "policy/v1",
	"ClusterRole":             "rbac.authorization.k8s.io/v1",
	"ClusterRoleBinding":      "rbac.authorization.k8s.io/v1",
	"Role":                    "rbac.authorization.k8s.io/v1",
	"RoleBinding":             "rbac.authorization.k8s.io/v1",
	"StorageClass":            "storage.k8s.io/v1",
}

// Kind returns the full kind for a name and an API version. Kubernetes' own
// kinds need no version; ok is false for others without one.
func Kind(apiVersion, kind string) (gvk schema.GroupVersionKind, ok bool) {
	if apiVersion == "" {
		apiVersion, ok = builtin[kind]
		if !ok {
			return gvk, false
		}
	}
	return schema.FromAPIVersionAndKind(apiVersion, kind), true
}

// Kinds are the kinds that need no API version, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(builtin)) }
