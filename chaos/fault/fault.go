// Package fault holds the ways to break one thing, one file each: what a
// fault needs, what it does, how its taking effect is proved, how it is undone
// and how that is proved.
//
// A fault's value is its settings. What it acts on, and all that its undo
// needs, are Objects, which the caller keeps in the journal before Inject.
package fault

import (
	"context"

	corev1 "k8s.io/api/core/v1"
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
	Available(ctx context.Context, h *vm.Handle) error

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

// Sparing is a fault that takes pods of its targets, but not all.
type Sparing interface {
	// Spares tells whether it leaves a pod of a target where it is, however long it
	// lasts.
	Spares(p *corev1.Pod) bool
}

// Endangering is a fault that may cost pods of its targets though its Effect does not
// say so: by its settings, or by what a target is like. Guards ask for it, as for what
// is lost; nobody waits for others in their places, as they may well stay.
type Endangering interface {
	// Endangers returns what tells of a pod of the target whether it may be lost; nil
	// where none may.
	Endangers(ctx context.Context, h *vm.Handle, t Target) (func(p *corev1.Pod) bool, error)
}

// Doc is a fault in a sentence each.
type Doc struct {
	Does   string `json:"does"`
	Needs  string `json:"needs"`
	Proved string `json:"proved"`
	Undone string `json:"undone"`
}

// Effect is what a fault acts on and what that takes away.
type Effect struct {
	On    string // the kind of its targets
	Takes Takes
	// Role narrows targets that are nodes, where the experiment does not:
	// "control-plane", "worker", or "" for any; and those that are deployments:
	// RoleDNS, or "" for those that keep the experiment's pods.
	Role string
	// Etcd: etcd does not answer on its nodes, though their machines run.
	Etcd bool
	// Thawed: its nodes' machines may come back out of a golden snapshot, in the boot in
	// which that was made.
	Thawed bool
	// Slow: it shows only when pods have started with it, or have ended, or when
	// what it holds back has answered, which an emulated machine takes its time for.
	Slow bool
}

// The kinds of target.
const (
	OnPods        = "Pod"
	OnNodes       = "Node"
	OnDeployments = "Deployment"
	OnConfigMaps  = "ConfigMap"
	OnSecrets     = "Secret"
)

// Takes is what goes when the fault strikes, and so what must come back.
type Takes string

// What faults take. The pods of a target are itself, those on it, or those
// that it keeps, by its kind.
const (
	TakesNothing  Takes = "nothing"  // what runs goes on running
	TakesContact  Takes = "contact"  // its nodes are not heard of; what runs there is the same afterwards
	TakesPods     Takes = "pods"     // the pods of its targets are lost
	TakesMachines Takes = "machines" // as pods, and what runs on the nodes' machines is gone until these are mended
	TakesBoots    Takes = "boots"    // as machines, and these come back by themselves
)

// Pods tells whether pods may be lost.
func (t Takes) Pods() bool { return t != TakesNothing }

// Nodes tells whether nodes may be lost.
func (t Takes) Nodes() bool { return t == TakesContact || t.Machines() }

// Machines tells whether what ran on the nodes starts anew.
func (t Takes) Machines() bool { return t == TakesMachines || t == TakesBoots }

// Boots tells whether nodes that it takes come back in another boot, and else not.
func (e Effect) Boots() bool { return e.Takes.Machines() && !e.Thawed }

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
