package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"axolotl/chaos/fault"
)

// Bounds are what may be broken where not all may: by whoever has fewer rights
// than the admin of a cluster, or lives in it.
type Bounds struct {
	// Why is the reason, for whoever is refused.
	Why string
	// Faults are those that may be injected.
	Faults []string
	// Namespaces are those that are never a target.
	Namespaces []string
	// NoApp: a run puts up no target of its own.
	NoApp bool
	// Spared are the nodes from which no pod is taken; nil: none.
	Spared func(ctx context.Context) (map[string]bool, error)
}

// check refuses an experiment that leaves the bounds. No bounds hold always.
func (b *Bounds) check(e *Experiment) error {
	if b == nil {
		return nil
	}
	refuse := func(remedy, format string, args ...any) error {
		return &Refusal{"bounds", fmt.Sprintf(format, args...) + ": " + b.Why, remedy}
	}
	for _, f := range e.faults() {
		if !slices.Contains(b.Faults, f.Name()) {
			return refuse("take one of: "+strings.Join(b.Faults, ", "), "fault %s is not to be had here", f.Name())
		}
	}
	if b.NoApp && e.Target.App != "" {
		return refuse("say where the pods are that are to be broken: with: {namespace: NAME, deployment: NAME}",
			"experiment %s puts up a target of its own", e.Name)
	}
	if slices.Contains(b.Namespaces, e.Target.Namespace) {
		return refuse("choose a target in another namespace", "namespace %q is never a target", e.Target.Namespace)
	}
	return nil
}

// spare leaves out the candidates that are never a target of a fault.
func (b *Bounds) spare(ctx context.Context, f fault.Fault, all []fault.Target) ([]fault.Target, error) {
	if effect := f.Effect(); b == nil || b.Spared == nil || effect.On != fault.OnNodes || !effect.Takes.Pods() {
		return all, nil
	}
	spared, err := b.Spared(ctx)
	return slices.DeleteFunc(slices.Clone(all), func(t fault.Target) bool { return spared[t.Name] }), err
}
