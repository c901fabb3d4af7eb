package chaos

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/chaos/observe"
	"axolotl/vm/addon"
)

// toll is what faults that strike at once take, as far as guards ask: pods, whoever's
// they are, among all of the workloads that lose any.
type toll struct {
	namespace string // of all of them; "" for several
	pods      []corev1.Pod
	lost      map[types.UID]bool
	own       map[types.UID]bool // lost by the run itself, and not by a part beside it alone
	others    map[types.UID]bool // that are not the target's
}

// readToll reads what the run and the parts beside it take. A fault on a node takes
// what runs there, and not the target's pods only: those of all namespaces are looked
// at then, but for what is not for a guard to keep (see spared).
func (r *run) readToll(ctx context.Context) (*toll, error) {
	t := &toll{namespace: r.scene.namespace, pods: slices.Clone(r.scene.pods), lost: map[types.UID]bool{}, own: map[types.UID]bool{}, others: map[types.UID]bool{}}
	together := []*run{r}
	for _, p := range r.beside() {
		together = append(together, p.run)
	}
	if slices.ContainsFunc(together, (*run).emptiesNodes) {
		t.namespace = metav1.NamespaceAll
		all, err := r.kube.Typed.CoreV1().Pods(t.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("what else runs on the nodes: %w", err)
		}
		for i := range all.Items {
			p := &all.Items[i]
			ours := slices.ContainsFunc(r.scene.pods, func(own corev1.Pod) bool { return own.UID == p.UID })
			if !ours && !spared(p) {
				t.pods = append(t.pods, *p)
				t.others[p.UID] = true
			}
		}
	}
	for i, r := range together {
		own := i == 0
		endangered, err := r.endangers(ctx)
		if err != nil {
			return nil, err
		}
		for i := range t.pods {
			if p := &t.pods[i]; r.takes(p) || endangered(p) {
				t.lost[p.UID] = true
				t.own[p.UID] = t.own[p.UID] || own
			}
		}
	}
	return t, nil
}

// endangers returns what tells whether a run's fault may take a pod though it need
// not.
func (r *run) endangers(ctx context.Context) (func(p *corev1.Pod) bool, error) {
	f, ok := r.experiment.Fault.(fault.Endangering)
	if !ok {
		return func(*corev1.Pod) bool { return false }, nil
	}
	of := make([]func(p *corev1.Pod) bool, len(r.targets))
	for i, o := range r.targets {
		var err error
		if of[i], err = f.Endangers(ctx, r.handle, o.Target); err != nil {
			return nil, fmt.Errorf("what %s may take of %s: %w", r.experiment.Fault.Name(), o, err)
		}
	}
	return func(p *corev1.Pod) bool {
		state := observe.PodState(p)
		for i, o := range r.targets {
			if of[i] != nil && r.scene.has(o, state) && of[i](p) {
				return true
			}
		}
		return false
	}, nil
}

// any tells whether any pod is lost.
func (t *toll) any() bool {
	return slices.ContainsFunc(t.pods, func(p corev1.Pod) bool { return t.lost[p.UID] })
}

// emptiesNodes tells whether a run's fault may take what is on its nodes.
func (r *run) emptiesNodes() bool {
	effect := r.experiment.Fault.Effect()
	_, endangering := r.experiment.Fault.(fault.Endangering)
	return effect.On == fault.OnNodes && (effect.Takes.Pods() || endangering)
}

// takes tells whether the run's fault takes a pod.
func (r *run) takes(p *corev1.Pod) bool {
	if s, ok := r.experiment.Fault.(fault.Sparing); ok && s.Spares(p) {
		return false
	}
	return r.experiment.Fault.Effect().Takes.Pods() && r.reaches(p)
}

// reaches tells whether a pod is one of the run's targets, or of one.
func (r *run) reaches(p *corev1.Pod) bool {
	state := observe.PodState(p)
	return slices.ContainsFunc(r.targets, func(o fault.Object) bool { return r.scene.has(o, state) })
}

// spared tells whether a pod that is not the target's is none that a guard keeps from
// a fault on its node. Those of DaemonSets and the kubelet's own are of that node and
// go with it. The system's are left out on purpose, and so are our add-ons': coredns
// and the like have one or two replicas, on whatever node came first, and would keep
// that for ever. What is leaving or has ended is nobody's replica.
func spared(p *corev1.Pod) bool {
	_, mirror := p.Annotations[corev1.MirrorPodAnnotationKey]
	system := slices.Contains(systemNamespaces, p.Namespace) ||
		slices.ContainsFunc(addon.All, func(a *addon.Addon) bool { return a.Namespace() == p.Namespace })
	return mirror || system || ownerOf(p).Kind == "DaemonSet" || observe.PodState(p).Leaving
}

// workload is what loses pods, and how many of those that are ready.
type workload struct {
	fault.Target
	pod         *corev1.Pod // one that it loses
	others      bool        // it is not the target's
	ready, lost int
}

// workloads are those that lose ready pods, in the order of their pods. One that has
// an end of its own, a Job, has no replicas to keep: it makes up for what it loses.
func (t *toll) workloads() []workload {
	var all []workload
	ready := map[types.UID]int{}
	for i := range t.pods {
		p := &t.pods[i]
		owner := ownerOf(p)
		if !observe.PodState(p).Ready || owner.Kind == "Job" {
			continue
		}
		ready[owner.UID]++
		if !t.lost[p.UID] {
			continue
		}
		at := slices.IndexFunc(all, func(w workload) bool { return w.UID == owner.UID })
		if at < 0 {
			all, at = append(all, workload{Target: owner, pod: p, others: t.others[p.UID]}), len(all)
		}
		all[at].lost++
	}
	for i := range all {
		all[i].ready = ready[all[i].UID]
	}
	return all
}
