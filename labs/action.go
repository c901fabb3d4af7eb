package labs

import (
	"context"
	"fmt"
)

// Action is one thing to do. Exactly one field is set.
type Action struct {
	Namespace string    `yaml:"namespace" json:"namespace,omitempty"` // made, as the lab's own
	Apply     string    `yaml:"apply" json:"apply,omitempty"`         // manifests, server-side applied
	Kubectl   string    `yaml:"kubectl" json:"kubectl,omitempty"`     // lines as a learner types them, each with "kubectl"; no shell reads them
	Delete    *Delete   `yaml:"delete" json:"delete,omitempty"`       // objects, by name or labels
	Patch     *Patch    `yaml:"patch" json:"patch,omitempty"`         // fields of one object
	SetImage  *SetImage `yaml:"setImage" json:"setImage,omitempty"`   // of a container
	Scale     *Scale    `yaml:"scale" json:"scale,omitempty"`         // to a number of replicas
	Label     *Marks    `yaml:"label" json:"label,omitempty"`         // objects
	Annotate  *Marks    `yaml:"annotate" json:"annotate,omitempty"`   // objects
	Env       *Env      `yaml:"env" json:"env,omitempty"`             // of a container
	Exec      *Exec     `yaml:"exec" json:"exec,omitempty"`           // a command in a container
	Evict     *Evict    `yaml:"evict" json:"evict,omitempty"`         // pods, as "kubectl drain" does
	Break     *Break    `yaml:"break" json:"break,omitempty"`         // pods or a node, by a fault of chaos
	Undo      string    `yaml:"undo" json:"undo,omitempty"`           // the fault of this name that the lab injected
	Context   *Context  `yaml:"context" json:"context,omitempty"`     // of the lab's own kubeconfig
	Machine   *Machine  `yaml:"machine" json:"machine,omitempty"`     // under a node: off, on, remove, add, wipe, recreate
	Await     *Check    `yaml:"await" json:"await,omitempty"`         // what the actions before bring about, and the next builds on
}

// deed is one kind of action. String says it as a progress line does: "scale
// Deployment web to 3". do returns what kubectl would have said: that the API
// server took the request, not that it came true.
type deed interface {
	fmt.Stringer
	validate(v *validator, at string)
	do(ctx context.Context, s *session) error
}

// deeds are what the action has set, by the names of their fields.
func (a Action) deeds() (names []string, all []deed) {
	add := func(name string, set bool, d deed) {
		if set {
			names, all = append(names, name), append(all, d)
		}
	}
	add("namespace", a.Namespace != "", namespaceDeed(a.Namespace))
	add("apply", a.Apply != "", applyDeed(a.Apply))
	add("kubectl", a.Kubectl != "", kubectlDeed(a.Kubectl))
	add("delete", a.Delete != nil, a.Delete)
	add("patch", a.Patch != nil, a.Patch)
	add("setImage", a.SetImage != nil, a.SetImage)
	add("scale", a.Scale != nil, a.Scale)
	add("label", a.Label != nil, marking{"label", a.Label})
	add("annotate", a.Annotate != nil, marking{"annotate", a.Annotate})
	add("env", a.Env != nil, a.Env)
	add("exec", a.Exec != nil, a.Exec)
	add("evict", a.Evict != nil, a.Evict)
	add("break", a.Break != nil, a.Break)
	add("undo", a.Undo != "", undoDeed(a.Undo))
	add("context", a.Context != nil, a.Context)
	add("machine", a.Machine != nil, a.Machine)
	add("await", a.Await != nil, awaitDeed{a.Await})
	return names, all
}

// String says the action as a progress line does.
func (a Action) String() string {
	if _, all := a.deeds(); len(all) > 0 {
		return all[0].String()
	}
	return "nothing"
}

// validate judges the one deed of an action.
func (v *validator) action(at string, a *Action) {
	names, all := a.deeds()
	if v.exactlyOne(at, "action", names) {
		all[0].validate(v, at+"."+names[0])
	}
}

// do carries out one action with the variables as they are now.
func (s *session) do(ctx context.Context, action Action) error {
	a, err := expandAll(action, s.variables)
	if err != nil {
		return err
	}
	_, all := a.deeds()
	return all[0].do(ctx, s)
}

// filledIn is an action as a person reads of it: with its values, as far as they are
// known.
func (s *session) filledIn(action Action) Action {
	a, _ := expandAll(action, s.variables) //nolint:errcheck // what is not known stays as it is written
	return a
}
