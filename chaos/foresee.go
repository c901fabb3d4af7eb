package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"axolotl/chaos/fault"
	"axolotl/chaos/observe"
	"axolotl/internal/check"
	"axolotl/internal/term"
)

// foresee asks the guards before anything is put up or waited for, as far as they can be
// asked by then. It keeps no lock: all of them are asked again just before the fault.
func (r *run) foresee(ctx context.Context, step *term.Step) error {
	if r.namespace != "" {
		return r.foreseeOwn(ctx)
	}
	x := r.sketchOf(r.experiment)
	defer x.unlock()
	if r.experiment.Fault == nil {
		s, err := readScene(ctx, r.kube, r.target)
		if err != nil || len(s.unwell()) > 0 {
			return err // it is waited for
		}
		return x.chooseParts(ctx, step)
	}
	err := x.choose(ctx, step)
	if err != nil {
		r.candidates, r.targets = x.candidates, x.targets // for the report
	}
	return err
}

// sketchOf is a run that is chosen for and asked for, and never done.
func (r *run) sketchOf(e *Experiment) *run {
	x := &run{
		experiment: e, handle: r.handle, home: r.home, kube: r.kube, progress: r.progress, journal: r.journal,
		now: r.now, allowed: r.allowed, bounds: r.bounds, id: r.id, seed: r.seed, started: r.started,
		namespace: r.namespace, staged: r.staged, target: r.target, log: r.log, sketch: true,
	}
	x.target.Nodes, x.target.Count, x.target.Percent = e.Target.Nodes, e.Target.Count, e.Target.Percent
	return x
}

// guardsNamed picks guards by their names.
func guardsNamed(names ...string) []guard {
	return slices.DeleteFunc(slices.Clone(guards), func(g guard) bool { return !slices.Contains(names, g.name) })
}

// toAsk are the guards to be asked now. Of what is not steady yet, and is waited for,
// only those know that ask nothing of how many pods are ready.
func (r *run) toAsk() []guard {
	if r.sketch && len(r.scene.unwell()) > 0 {
		return guardsNamed("annotated", "etcd-quorum", "one-at-a-time")
	}
	return guards
}

// foreseeOwn asks, for a run that puts up its own target, what is known without that:
// of each of its faults that can be had here.
func (r *run) foreseeOwn(ctx context.Context) error {
	nodes, err := r.readyNodes(ctx)
	if err != nil {
		return err
	}
	if r.experiment.Fault != nil {
		return r.foreseeFault(ctx, r.experiment, nodes)
	}
	for i, s := range r.experiment.Steps {
		for _, m := range s.members() {
			if m.Fault.Available(ctx, r.handle) != nil {
				continue
			}
			if err := r.foreseeFault(ctx, r.experiment.alone(m), nodes); err != nil {
				return fmt.Errorf("step %d, %s: %w", i+1, s, err)
			}
		}
	}
	return nil
}

// readyNodes are the cluster's. It is refused where they are not Ready, and do not
// become so at once.
func (r *run) readyNodes(ctx context.Context) ([]corev1.Node, error) {
	limited, cancel := context.WithTimeout(ctx, existingSettleWithin)
	defer cancel()
	s := &scene{}
	err := check.Wait(limited, check.Func("nodes are Ready", func(ctx context.Context) error {
		all, err := r.kube.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		s.nodes = all.Items
		for i := range s.nodes {
			if n := &s.nodes[i]; !observe.NodeState(n).Ready {
				return fmt.Errorf("node %s is not Ready", n.Name)
			}
		}
		return nil
	}), pollEvery, nil)
	if err != nil && ctx.Err() == nil && !unanswered(err) {
		return nil, &Refusal{"healthy-before", fmt.Sprintf("the cluster is not well before the fault: %v", err), "fix it first, or wait until it is well"}
	}
	slices.SortFunc(s.nodes, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	return s.nodes, err
}

// fewNodes is for how many candidates each is asked for, which takes some time.
const fewNodes = 8

// foreseeFault asks for one fault of a target that is still to be put up. Which nodes
// are to be struck may hang on where its pods will be: what depends on that is refused
// where it would be for each.
func (r *run) foreseeFault(ctx context.Context, e *Experiment, nodes []corev1.Node) error {
	x := r.sketchOf(e)
	x.scene = &scene{namespace: r.target.Namespace, selector: labels.Nothing(), nodes: nodes}
	switch e.Fault.Effect().On {
	case fault.OnPods:
		all := make([]fault.Target, e.Target.Replicas)
		return guardShare(len(choose(all, e.Target, r.seed)), len(all), e.Guards.MaxShare)
	case fault.OnNodes:
	default:
		return nil
	}
	all := x.scene.nodeTargets(e)
	x.candidates = slices.Clone(all)
	all, err := r.bounds.spare(ctx, e.Fault, all)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return zeroTargets(fmt.Sprintf("no candidate among %d nodes", len(nodes)))
	}
	if e == r.experiment {
		r.foreseen = all
	}
	strike := func(chosen []fault.Target) {
		x.targets = nil
		for _, t := range chosen {
			x.targets = append(x.targets, fault.Object{Target: t})
		}
	}
	strike(choose(all, e.Target, r.seed))
	certain := []string{"etcd-quorum"}
	if e.Target.Percent == 0 { // a share of fewer may be a smaller one
		certain = append(certain, "max-share")
	}
	if err := x.ask(ctx, guardsNamed(certain...)); err != nil || len(all) > fewNodes {
		return err
	}
	var first error
	for _, t := range all {
		strike([]fault.Target{t})
		if x.toll, err = x.readToll(ctx); err != nil {
			return err
		}
		err = x.ask(ctx, guardsNamed("annotated", "last-replica", "disruption-budget", "one-at-a-time"))
		x.unlock()
		var refusal *Refusal
		if err == nil || !errors.As(err, &refusal) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}
