package vm

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"axolotl/internal/strictyaml"
)

// Kubelet is what can be changed in a kubelet's settings, by the names that
// KubeletConfiguration has.
type Kubelet struct {
	MaxPods        int               `yaml:"maxPods" json:"maxPods,omitempty"`               // that run on a node
	PodPidsLimit   int               `yaml:"podPidsLimit" json:"podPidsLimit,omitempty"`     // processes that a pod may have
	EvictionHard   map[string]string `yaml:"evictionHard" json:"evictionHard,omitempty"`     // signals such as memory.available, and below what amount pods are evicted
	SystemReserved map[string]string `yaml:"systemReserved" json:"systemReserved,omitempty"` // resources that pods are not given, such as memory: 100Mi
	FeatureGates   map[string]bool   `yaml:"featureGates" json:"featureGates,omitempty"`     // by name
}

// APIServer is what can be changed in the API server's settings, by the names
// that its flags have.
type APIServer struct {
	FeatureGates            map[string]bool `yaml:"featureGates" json:"featureGates,omitempty"`                       // by name
	RuntimeConfig           map[string]bool `yaml:"runtimeConfig" json:"runtimeConfig,omitempty"`                     // APIs by group and version, such as batch/v1
	EnableAdmissionPlugins  []string        `yaml:"enableAdmissionPlugins" json:"enableAdmissionPlugins,omitempty"`   // beside those that are on anyway
	DisableAdmissionPlugins []string        `yaml:"disableAdmissionPlugins" json:"disableAdmissionPlugins,omitempty"` // of those that are on anyway
}

// Flags are the settings as flags of kube-apiserver, which come after those
// that every cluster has. Of nil there are none.
func (a *APIServer) Flags() []string {
	if a == nil {
		return nil
	}
	var flags []string
	add := func(name string, values []string) {
		if len(values) > 0 {
			flags = append(flags, "--"+name+"="+strings.Join(values, ","))
		}
	}
	add("feature-gates", switches(a.FeatureGates))
	add("runtime-config", switches(a.RuntimeConfig))
	add("enable-admission-plugins", a.EnableAdmissionPlugins)
	add("disable-admission-plugins", a.DisableAdmissionPlugins)
	return flags
}

func switches(values map[string]bool) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, fmt.Sprintf("%s=%t", name, values[name]))
	}
	return all
}

// Effect is what a taint does to pods that do not tolerate it.
type Effect string

// The effects that Kubernetes knows.
const (
	NoSchedule       Effect = "NoSchedule"
	PreferNoSchedule Effect = "PreferNoSchedule"
	NoExecute        Effect = "NoExecute"
)

// Values are what a file may say.
func (Effect) Values() []string {
	return []string{string(NoSchedule), string(PreferNoSchedule), string(NoExecute)}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *Effect) UnmarshalText(text []byte) error {
	return strictyaml.SetWord(e, "unknown effect", text)
}
