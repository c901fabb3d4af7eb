package labs

import "fmt"

// Action is one thing to do. Exactly one field is set.
type Action struct {
	Namespace string    `yaml:"namespace" json:"namespace,omitempty"` // made, as the lab's own
	Apply     string    `yaml:"apply" json:"apply,omitempty"`         // manifests, server-side applied
	Delete    *Delete   `yaml:"delete" json:"delete,omitempty"`
	Patch     *Patch    `yaml:"patch" json:"patch,omitempty"`
	SetImage  *SetImage `yaml:"setImage" json:"setImage,omitempty"`
	Scale     *Scale    `yaml:"scale" json:"scale,omitempty"`
	Label     *Label    `yaml:"label" json:"label,omitempty"`
	Env       *Env      `yaml:"env" json:"env,omitempty"`
	Exec      *Exec     `yaml:"exec" json:"exec,omitempty"`
}

// Delete deletes objects, and what they own too unless Cascade is "orphan".
type Delete struct {
	Target
	Cascade Cascade `yaml:"cascade" json:"cascade,omitempty"`
}

// Cascade is what becomes of what a deleted object owns.
type Cascade string

// The ways to cascade, as kubectl names them; empty is background.
const (
	CascadeBackground Cascade = "background" // the owned go afterwards
	CascadeForeground Cascade = "foreground" // the owned go first
	CascadeOrphan     Cascade = "orphan"     // the owned stay
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Cascade) UnmarshalText(text []byte) error {
	switch cascade := Cascade(text); cascade {
	case CascadeBackground, CascadeForeground, CascadeOrphan:
		*c = cascade
		return nil
	}
	return fmt.Errorf("unknown cascade %q; use background, foreground or orphan", text)
}

// Patch changes the fields that With has; a strategic merge, as kubectl's.
type Patch struct {
	Target
	With map[string]any `yaml:"with,required" json:"with"`
}

// SetImage changes the image of a container, the first where none is named.
type SetImage struct {
	Target
	Container string `yaml:"container" json:"container,omitempty"`
	Image     string `yaml:"image,required" json:"image"`
}

// Scale sets the number of replicas.
type Scale struct {
	Target
	Replicas int `yaml:"replicas,required" json:"replicas"`
}

// Label puts labels on objects and takes labels off.
type Label struct {
	Target
	Set    map[string]string `yaml:"set" json:"set,omitempty"`
	Remove []string          `yaml:"remove" json:"remove,omitempty"`
}

// Env changes the environment of a workload's container, as "kubectl set env".
type Env struct {
	Target
	Container     string            `yaml:"container" json:"container,omitempty"`
	Set           map[string]string `yaml:"set" json:"set,omitempty"`
	Unset         []string          `yaml:"unset" json:"unset,omitempty"`
	FromConfigMap string            `yaml:"fromConfigMap" json:"fromConfigMap,omitempty"` // a variable of each key
}

// Exec runs a command in a container of a running pod.
type Exec struct {
	Pod       string            `yaml:"pod" json:"pod,omitempty"`
	Pods      map[string]string `yaml:"pods" json:"pods,omitempty"` // labels; the first by name
	Container string            `yaml:"container" json:"container,omitempty"`
	Command   []string          `yaml:"command,required" json:"command"`
}

// String says the action as a progress line does: "scale Deployment web".
func (a Action) String() string {
	switch {
	case a.Namespace != "":
		return "namespace " + a.Namespace
	case a.Apply != "":
		return "apply"
	case a.Delete != nil:
		return "delete " + a.Delete.String()
	case a.Patch != nil:
		return "patch " + a.Patch.String()
	case a.SetImage != nil:
		return "setImage of " + a.SetImage.String()
	case a.Scale != nil:
		return fmt.Sprintf("scale %s to %d", a.Scale.String(), a.Scale.Replicas)
	case a.Label != nil:
		return "label " + a.Label.String()
	case a.Env != nil:
		return "env of " + a.Env.String()
	case a.Exec != nil:
		return fmt.Sprintf("exec %q", a.Exec.Command)
	}
	return "nothing"
}

// kinds names the actions that are set.
func (a Action) kinds() []string {
	var kinds []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"namespace", a.Namespace != ""}, {"apply", a.Apply != ""}, {"delete", a.Delete != nil},
		{"patch", a.Patch != nil}, {"setImage", a.SetImage != nil}, {"scale", a.Scale != nil},
		{"label", a.Label != nil}, {"env", a.Env != nil}, {"exec", a.Exec != nil},
	} {
		if k.set {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}
