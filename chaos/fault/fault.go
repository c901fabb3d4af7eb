// Package fault holds the ways to break one thing, one file each: what a
// fault needs, what it does, how its taking effect is proved, how it is undone
// and how that is proved.
//
// A fault's value is its settings. What it acts on, and all that its undo
// needs, are Objects, which the caller keeps in the journal before Inject.
package fault

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"axolotl/vm"
)

// Fault is one way to break one thing. Every method but Inject may be called
// any number of times, also by another process than the one that injected.
type Fault interface {
	// Name is the word by which an experiment chooses the fault.
	Name() string

	// Doc says what a person should know before choosing it.
	Doc() Doc

	// Effect is what the fault takes away, and so what must come back.
	Effect() Effect

	// Available returns nil where the fault can be injected into this
	// cluster, else why not.
	Available(h *vm.Handle) error

	// Prepare returns the targets as objects with the prior values that Undo
	// restores. It changes nothing.
	Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error)

	// Inject breaks the objects, in order. It may fail half-way; Undo mends
	// what it did. A target that vanished, or was replaced by another of its
	// name, is left out; the error is ErrNoTarget where none was left.
	Inject(ctx context.Context, h *vm.Handle, objects []Object) error

	// Injected proves that the fault has taken effect, by other means than
	// Inject's own answer: it returns what was seen, or an error that says
	// what still lacks.
	Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error)

	// Undo restores the prior values. What was never injected, what is undone
	// already and what is gone are success.
	Undo(ctx context.Context, h *vm.Handle, objects []Object) error

	// Undone proves the undo as Injected proves the fault.
	Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error)
}

// Doc is a fault in a sentence each.
type Doc struct {
	Does   string `json:"does"`
	Needs  string `json:"needs"`
	Proved string `json:"proved"`
	Undone string `json:"undone"`
}

// Effect is what a fault takes away.
type Effect string

// The effects.
const (
	TakesPods     Effect = "pods"     // its targets are pods, and are lost
	TakesMachines Effect = "machines" // its targets are nodes, whose machines go off
	TakesNothing  Effect = "nothing"  // its targets are nodes; what runs goes on running
)

// TargetKind is the kind of object that a fault with this effect acts on.
func (e Effect) TargetKind() string {
	if e == TakesPods {
		return "Pod"
	}
	return "Node"
}

// Target is an object that a fault is to act on.
type Target struct {
	Kind      string    `json:"kind"`
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid"`
}

// Object is a target with what it was like before.
type Object struct {
	Target
	Prior map[string]string `json:"prior,omitempty"`
}

// String names the object as kubectl does, with the UID that makes it itself.
func (t Target) String() string {
	name := t.Kind + " " + t.Name
	if t.Namespace != "" {
		name = t.Kind + " " + t.Namespace + "/" + t.Name
	}
	return name + " (uid " + string(t.UID) + ")"
}
