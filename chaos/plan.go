package chaos

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"axolotl/chaos/fault"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Plan is exactly what a run will do, object by object, and its undo.
type Plan struct {
	Experiment string         `json:"experiment"`
	Cluster    string         `json:"cluster"`
	Seed       uint64         `json:"seed"`
	Fault      *fault.Spec    `json:"fault,omitempty"` // nil of a combined experiment
	Doc        *fault.Doc     `json:"doc,omitempty"`
	Candidates int            `json:"candidates"`
	Targets    []fault.Target `json:"targets"` // in the order in which they are broken
	Steps      []string       `json:"steps"`   // the whole run, in words
	Lasts      time.Duration  `json:"lastsNs,omitempty"`
	HealWithin time.Duration  `json:"healWithinNs"`
	Guards     []string       `json:"guards"`
}

// controlPlaneLabel marks control-plane nodes, as kubeadm does.
const controlPlaneLabel = "node-role.kubernetes.io/control-plane"

// nodesOf are the nodes with a role; with none, the workers where there are
// any, else all.
func (s *scene) nodesOf(role string) []corev1.Node {
	var workers, planes []corev1.Node
	for _, n := range s.nodes {
		if _, ok := n.Labels[controlPlaneLabel]; ok {
			planes = append(planes, n)
		} else {
			workers = append(workers, n)
		}
	}
	if role == string(vm.ControlPlane) || (role == "" && len(workers) == 0) {
		return planes
	}
	return workers
}

// busy are those of nodes that run the target's pods, where any does, else all: a
// fault elsewhere would show nothing of how the target heals.
func (s *scene) busy(nodes []corev1.Node) []corev1.Node {
	idle := func(n corev1.Node) bool {
		return !slices.ContainsFunc(s.pods, func(p corev1.Pod) bool { return p.Spec.NodeName == n.Name })
	}
	if busy := slices.DeleteFunc(slices.Clone(nodes), idle); len(busy) > 0 {
		return busy
	}
	return nodes
}

// choose takes as many candidates as the target asks for, by the seed alone:
// the same names and the same seed give the same choice in the same order.
func choose(candidates []fault.Target, t Target, seed uint64) []fault.Target {
	n := t.Count
	if t.Percent > 0 {
		n = (len(candidates)*t.Percent + 99) / 100 // any share of something is one at least
	}
	chosen := slices.Clone(candidates)
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	return chosen[:min(n, len(chosen))]
}

// planSteps tells the whole run in words, for the plan.
func (r *run) planSteps(targets []fault.Object) []string {
	e := r.experiment
	var steps []string
	add := func(format string, args ...any) { steps = append(steps, fmt.Sprintf(format, args...)) }
	if r.namespace != "" {
		add("create namespace %s with deployment %s (%d replicas) and its NodePort service, wait until it is steady",
			r.namespace, e.Target.App, e.Target.Replicas)
	}
	add("write the journal: %s", r.home.Path("journal", r.id+".json"))
	if len(e.Steps) > 0 {
		r.planParts(add)
	} else {
		r.planFault(targets, add)
	}
	if r.namespace != "" {
		add("undo: delete namespace %s with all that is in it, Deployment %s and its pods too, and wait until it is gone", r.namespace, e.Target.App)
	}
	return steps
}

// planFault tells of the one fault of an experiment.
func (r *run) planFault(targets []fault.Object, add func(format string, args ...any)) {
	e := r.experiment
	if len(targets) == 0 {
		add("inject %s into %s: %s", e.Fault.Name(), r.planned(), e.Fault.Doc().Does)
	}
	for _, o := range targets {
		add("inject %s into %s", e.Fault.Name(), o)
	}
	add("prove it: %s", e.Fault.Doc().Proved)
	if e.Lasts > 0 {
		add("undo it after %s", e.Lasts)
	}
	add("watch until all is well, at most %s (healed within %s)", lateFactor*e.HealWithin, e.HealWithin)
	if len(targets) == 0 {
		add("undo, of those: %s", e.Fault.Doc().Undone)
	}
	for _, o := range targets {
		add("undo, of %s: %s", o, e.Fault.Doc().Undone)
	}
}

// planned says what will be struck of a target that is not there yet.
func (r *run) planned() string {
	e := r.experiment
	on := e.Fault.Effect().On
	app := r.target.Namespace + "/" + e.Target.App
	some := amount(e.Target, on)
	switch {
	case e.Target.App == "": // it was not looked at yet
	case on == fault.OnPods:
		return fmt.Sprintf("%s of the %d of Deployment %s, chosen by seed %d once they exist", some, e.Target.Replicas, app, r.seed)
	case on == fault.OnDeployments && e.Fault.Effect().Role != fault.RoleDNS:
		return "Deployment " + app
	case on == fault.OnNodes && len(r.foreseen) > 0:
		chosen := choose(r.foreseen, r.target, r.seed)
		if len(chosen) == len(r.foreseen) {
			return listed(chosen)
		}
		return fmt.Sprintf("%s of %s, chosen by seed %d: %s, where the app's pods are on all of them", some, listed(r.foreseen), r.seed, listed(chosen))
	case on == fault.OnConfigMaps || on == fault.OnSecrets:
		return fmt.Sprintf("%s that the pods of Deployment %s use, chosen by seed %d once they exist", some, app, r.seed)
	}
	return fmt.Sprintf("%s, chosen by seed %d once they exist", some, r.seed)
}

// listed names targets.
func listed(all []fault.Target) string {
	var words []string
	for _, t := range all {
		words = append(words, t.String())
	}
	return strings.Join(words, ", ")
}

func amount(t Target, kind string) string {
	if t.Percent > 0 {
		return fmt.Sprintf("%d %% of the %ss", t.Percent, kind)
	}
	return fmt.Sprintf("%d %s(s)", t.Count, kind)
}

// Plan tells what Run would do with the same seed, and asks the guards. It
// changes nothing. The targets of an experiment that puts up its own are not
// known before it does; the plan says what they will be chosen of, and its guards are
// asked as far as they can be. Those of later steps are chosen of what is
// there now.
func (r *Runner) Plan(ctx context.Context, e *Experiment) (*Plan, error) {
	x := r.newRun(e)
	defer x.unlock()
	if err := x.preflight(ctx, nil); err != nil {
		return nil, err
	}
	if e.Target.App != "" {
		if err := x.progress.Do("Ask the guards", func(*term.Step) error { return x.foreseeOwn(ctx) }); err != nil {
			return nil, err
		}
	} else if err := x.seeTarget(ctx); err != nil {
		return nil, err
	}
	if e.Target.App == "" {
		choose := x.choose
		if e.Fault == nil {
			choose = x.chooseParts
		}
		err := x.progress.Do("Choose the targets and ask the guards", func(step *term.Step) error { return choose(ctx, step) })
		if err != nil {
			return nil, err
		}
	}
	return x.plan()
}

// namesOf are the targets without what they were like before, which is for the
// journal alone: it may be a whole Secret, and reports are kept and passed on.
func namesOf(objects []fault.Object) []fault.Target {
	var targets []fault.Target
	for _, o := range objects {
		targets = append(targets, o.Target)
	}
	return targets
}

// plan is the plan of a run whose targets are chosen as far as they can be.
func (r *run) plan() (*Plan, error) {
	plan := &Plan{
		Experiment: r.experiment.Name, Cluster: r.home.Name, Seed: r.seed, Candidates: cmp.Or(len(r.candidates), len(r.foreseen)), Targets: namesOf(r.plannedTargets()),
		Steps: r.planSteps(r.targets), Lasts: r.experiment.Lasts, HealWithin: r.experiment.HealWithin, Guards: guardNames(),
	}
	if f := r.experiment.Fault; f != nil {
		spec, err := fault.SpecOf(f)
		if err != nil {
			return nil, err
		}
		doc := f.Doc()
		plan.Fault, plan.Doc = &spec, &doc
	}
	return plan, nil
}
