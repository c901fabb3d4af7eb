package labs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/internal/check"
	"axolotl/internal/strictyaml"
	"axolotl/vm"
)

// Break injects a fault of chaos, and waits until it is proved to have taken
// effect. It is undone at the end of the lab, or before by the action "undo".
type Break struct {
	Fault string            `yaml:"fault,required" json:"fault"`  // its name; "axolotl chaos list" shows them
	With  any               `yaml:"with" json:"with,omitempty"`   // its settings
	Pod   string            `yaml:"pod" json:"pod,omitempty"`     // of the lab's namespace,
	Pods  map[string]string `yaml:"pods" json:"pods,omitempty"`   // or those with these labels,
	Count int               `yaml:"count" json:"count,omitempty"` // as many of them, one where it is not set
	Node  string            `yaml:"node" json:"node,omitempty"`   // for faults on nodes; the whole control plane where the fault is on that and none is named
	Name  string            `yaml:"name" json:"name,omitempty"`   // for faults on a Deployment, ConfigMap or Secret, but for the cluster's DNS server

	fault fault.Fault
}

// String implements deed.
func (b *Break) String() string {
	switch {
	case b.Node != "":
		return fmt.Sprintf("break Node %s by %s", b.Node, b.Fault)
	case b.Name != "":
		return fmt.Sprintf("break %s by %s", b.Name, b.Fault)
	case b.Pod == "" && len(b.Pods) == 0:
		return "break the cluster by " + b.Fault
	}
	return fmt.Sprintf("break %s by %s", Target{Kind: "Pod", Name: b.Pod, Labels: b.Pods}, b.Fault)
}

func (b *Break) validate(v *validator, at string) {
	if b.Fault == "" {
		return // is missing; told already
	}
	f, err := fault.New(b.Fault)
	if err != nil {
		v.document.Faultf(at+".fault", "unknown fault %q%s; 'axolotl chaos list' shows them all", b.Fault,
			strictyaml.DidYouMean(b.Fault, fault.Names()))
		return
	}
	fault.DecodeAt(v.document, at+".with", f)
	b.fault = f
	aimed := b.Pod != "" || len(b.Pods) > 0 || b.Count != 0
	switch on := f.Effect().On; {
	case f.Effect().Role == fault.RoleDNS:
		v.needsRealPods(at)
		if b.Name != "" || b.Node != "" || aimed {
			v.document.Faultf(at, "%s breaks the cluster's own DNS server; say nothing else", b.Fault)
		}
	case on == fault.OnPods:
		v.podOrPods(at, b.Pod, b.Pods)
		if b.Node != "" || b.Name != "" {
			v.document.Faultf(at, "%s breaks pods; say which by pod or pods, and nothing else", b.Fault)
		}
	case on == fault.OnNodes:
		if b.Node == "" && f.Effect().Role != string(vm.ControlPlane) || b.Name != "" || aimed {
			v.document.Faultf(at, "%s breaks a node; say which by node, and nothing else", b.Fault)
		}
	default:
		if b.Name == "" || b.Node != "" || aimed {
			v.document.Faultf(at, "%s breaks a %s; say which by name, and nothing else", b.Fault, on)
		}
	}
	if b.Count < 0 {
		v.document.Faultf(at+".count", "want a number of pods from 1")
	}
	if fault.OnMachines(f) && !v.needs.MachineControl {
		v.document.Faultf(at, `this is done to machines; add "needs: {machine-control: true}" to the lab or to the step`)
	}
	v.faults = append(v.faults, b.Fault)
}

func (b *Break) do(ctx context.Context, s *session) error {
	f, err := b.filledIn(s.variables)
	if err != nil {
		return err
	}
	if err := f.Available(ctx, s.handle); err != nil {
		return err
	}
	targets, err := b.targets(ctx, s)
	if err != nil {
		return err
	}
	return s.strike(ctx, f, targets, "")
}

// filledIn is the fault with the variables in its settings filled in.
func (b *Break) filledIn(variables map[string]any) (fault.Fault, error) {
	spec, err := fault.SpecOf(b.fault)
	if err != nil {
		return nil, err
	}
	var with any
	if err := json.Unmarshal(spec.With, &with); err != nil {
		return nil, err
	}
	if with, err = expandAll(with, variables); err != nil {
		return nil, err
	}
	if spec.With, err = json.Marshal(with); err != nil {
		return nil, err
	}
	f, err := spec.Fault()
	if err != nil {
		return nil, err
	}
	return f, fault.Check(f) // a text may have become another one
}

func (b *Break) targets(ctx context.Context, s *session) ([]fault.Target, error) {
	switch on := b.fault.Effect().On; {
	case b.fault.Effect().Role == fault.RoleDNS:
		return fault.DNSServers(ctx, s.handle)
	case on == fault.OnPods:
		return b.pods(ctx, s)
	case on == fault.OnNodes:
		names := []string{b.Node}
		if b.Node == "" {
			names = controlPlanes(s.handle.Cluster, b.fault)
		}
		var targets []fault.Target
		for _, name := range names {
			node, err := s.handle.Kube.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			targets = append(targets, fault.Target{Kind: on, Name: node.Name, UID: node.UID})
		}
		return targets, nil
	default:
		selector, err := s.selector(Target{Kind: on, Name: b.Name})
		if err != nil {
			return nil, err
		}
		object, err := selector.Get(ctx, s.handle.Kube)
		if err != nil {
			return nil, err
		}
		return []fault.Target{{Kind: on, Namespace: object.GetNamespace(), Name: object.GetName(), UID: object.GetUID()}}, nil
	}
}

// controlPlanes are the machines, and so nodes, of the control plane that a fault
// strikes: all of them, as one alone would be stood in for by another. Of what etcd
// runs on it is the first only: the others would lose what is in it.
func controlPlanes(c *vm.Cluster, f fault.Fault) []string {
	var names []string
	for _, m := range c.Machines {
		if m.Role == vm.ControlPlane {
			names = append(names, m.Name)
		}
	}
	if effect := f.Effect(); len(names) > 1 && (effect.Etcd || effect.Takes.Nodes()) {
		names = names[:1]
	}
	return names
}

// pods are the targets of a fault on pods.
func (b *Break) pods(ctx context.Context, s *session) ([]fault.Target, error) {
	pods, err := check.PodSelector(s.namespace, b.Pod, b.Pods).List(ctx, s.handle.Kube)
	if err != nil {
		return nil, err
	}
	var targets []fault.Target
	for _, pod := range pods {
		if pod.GetDeletionTimestamp() == nil && len(targets) < max(1, b.Count) {
			targets = append(targets, fault.Target{Kind: "Pod", Namespace: pod.GetNamespace(), Name: pod.GetName(), UID: types.UID(pod.GetUID())})
		}
	}
	if len(targets) < max(1, b.Count) {
		return nil, fmt.Errorf("%s: there are only %d such pods", b, len(targets))
	}
	return targets, nil
}

// undoDeed undoes what the lab broke by the fault of this name, or its learner by hand.
type undoDeed string

func (u undoDeed) String() string { return "undo " + string(u) }

func (u undoDeed) validate(v *validator, at string) {
	if !slices.Contains(v.faults, string(u)) {
		v.document.Faultf(at, "no earlier step breaks anything by fault %q", string(u))
	}
}

// do implements deed. Whether the learner broke it by hand nobody knows, but what it
// would have been. That nothing is known of it is no success where the lab is done by
// hand: the checks would be waited for in vain.
func (u undoDeed) do(ctx context.Context, s *session) error {
	name := string(u)
	if s.hasStruck(func(struck *Struck) bool { return struck.Fault == name && struck.Machine == "" }) {
		return s.mend(ctx, name)
	}
	isIt := func(f *Foreseen) bool { return f.Fault.Name == name }
	if s.guided && !slices.ContainsFunc(s.foreseen, func(f Foreseen) bool { return isIt(&f) }) {
		return fmt.Errorf("the lab has broken nothing by %s, and does not know what was; fix it as the step says, or begin anew with: %s",
			name, typed(s.handle.Cluster, "axolotl lab reset"))
	}
	return s.mendForeseen(ctx, isIt)
}
