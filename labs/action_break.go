package labs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos"
	"axolotl/chaos/fault"
	"axolotl/internal/check"
	"axolotl/internal/kube"
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
	Node  string            `yaml:"node" json:"node,omitempty"`   // for faults on nodes; one of the control plane where the fault is on that
	Name  string            `yaml:"name" json:"name,omitempty"`   // for faults on a Deployment, ConfigMap or Secret

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
		return "break the control plane by " + b.Fault
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
	v.document.DecodeAt(at+".with", f)
	b.fault = f
	aimed := b.Pod != "" || len(b.Pods) > 0 || b.Count != 0
	switch on := f.Effect().On; on {
	case fault.OnPods:
		v.podOrPods(at, b.Pod, b.Pods)
		if b.Node != "" || b.Name != "" {
			v.document.Faultf(at, "%s breaks pods; say which by pod or pods, and nothing else", b.Fault)
		}
	case fault.OnNodes:
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
	if err := b.fault.Available(s.handle); err != nil {
		return err
	}
	targets, err := b.targets(ctx, s)
	if err != nil {
		return err
	}
	id, err := chaos.Strike(ctx, s.handle, b.fault, targets, "lab "+s.lab.Name, s.now)
	if id != "" {
		s.struck = append(s.struck, Struck{ID: id, Fault: b.Fault})
	}
	return err
}

func (b *Break) targets(ctx context.Context, s *session) ([]fault.Target, error) {
	switch on := b.fault.Effect().On; on {
	case fault.OnPods:
		return b.pods(ctx, s)
	case fault.OnNodes:
		name := b.Node
		if name == "" {
			name = controlPlane(s.handle.Cluster)
		}
		node, err := s.handle.Kube.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return []fault.Target{{Kind: on, Name: node.Name, UID: node.UID}}, nil
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

// controlPlane is the name of the first machine, and so node, of the control
// plane.
func controlPlane(c *vm.Cluster) string {
	for _, m := range c.Machines {
		if m.Role == vm.ControlPlane {
			return m.Name
		}
	}
	return ""
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

// Struck is a fault that a session has injected and not undone yet.
type Struck struct {
	ID    string `json:"id"` // in the cluster's journal
	Fault string `json:"fault"`
}

// undoDeed undoes what the lab broke by the fault of this name.
type undoDeed string

func (u undoDeed) String() string { return "undo " + string(u) }

func (u undoDeed) validate(v *validator, at string) {
	if !slices.Contains(v.faults, string(u)) {
		v.document.Faultf(at, "no earlier step breaks anything by fault %q", string(u))
	}
}

func (u undoDeed) do(ctx context.Context, s *session) error { return s.mend(ctx, string(u)) }

// mend undoes what the session broke, by one fault or, where it is empty, by
// all; the last first.
func (s *session) mend(ctx context.Context, name string) error {
	var errs []error
	for i := len(s.struck) - 1; i >= 0; i-- {
		if name != "" && s.struck[i].Fault != name {
			continue
		}
		if err := chaos.Mend(ctx, s.handle, s.struck[i].ID, s.now); err != nil {
			errs = append(errs, err)
			continue
		}
		s.struck = slices.Delete(s.struck, i, i+1)
	}
	return errors.Join(errs...)
}

// Machine acts on the machine under a node. Machines that are off at the end
// of the lab are started.
type Machine struct {
	Name string      `yaml:"name,required" json:"name"` // of the machine, which is that of the node
	Do   MachineDeed `yaml:"do,required" json:"do"`
}

// MachineDeed is what is done to a machine.
type MachineDeed string

// What can be done to machines. That a removed node is added again is a start
// of its machine: its kubelet registers it anew.
const (
	MachineOff    MachineDeed = "off"    // the plug is pulled
	MachineOn     MachineDeed = "on"     // it is started
	MachineRemove MachineDeed = "remove" // off, and the node is deleted from the cluster
	MachineAdd    MachineDeed = "add"    // started, so that the node joins again
)

// Values are what a file may say.
func (MachineDeed) Values() []string {
	return []string{string(MachineOff), string(MachineOn), string(MachineRemove), string(MachineAdd)}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *MachineDeed) UnmarshalText(text []byte) error {
	return strictyaml.SetWord(d, "nothing that a machine does:", text)
}

// String implements deed.
func (m *Machine) String() string { return fmt.Sprintf("machine %s: %s", m.Name, m.Do) }

func (m *Machine) validate(v *validator, at string) {
	if !v.needs.NodePower && !v.needs.MachineControl {
		v.document.Faultf(at, `this needs the power of machines; add "needs: {node-power: true}" to the lab`)
	}
}

func (m *Machine) do(ctx context.Context, s *session) error {
	machine := s.handle.Cluster.Machine(m.Name)
	power, ok := s.handle.Driver.(vm.Powerer)
	switch {
	case !ok:
		return fmt.Errorf("driver %q cannot cut the power of machines", s.handle.Driver.Name())
	case machine == nil:
		return fmt.Errorf("the cluster has no machine %q", m.Name)
	case machine.Role == vm.ControlPlane:
		return fmt.Errorf("machine %q is the control plane; take a worker", m.Name)
	}
	if m.Do == MachineOn || m.Do == MachineAdd {
		if err := power.PowerOn(ctx, s.handle.Cluster, m.Name); err != nil {
			return err
		}
		s.machinesOff = slices.DeleteFunc(s.machinesOff, func(name string) bool { return name == m.Name })
		return nil
	}
	if !slices.Contains(s.machinesOff, m.Name) {
		s.machinesOff = append(s.machinesOff, m.Name)
	}
	if err := power.PowerOff(ctx, s.handle.Cluster, m.Name); err != nil || m.Do == MachineOff {
		return err
	}
	err := s.handle.Kube.Typed.CoreV1().Nodes().Delete(ctx, m.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// powerOn starts the machines that the session has left off, and waits until
// their nodes are Ready.
func (s *session) powerOn(ctx context.Context) error {
	var errs []error
	for _, name := range slices.Clone(s.machinesOff) {
		gvk, _ := kube.Kind("", "Node")
		ready := check.Object{
			Client: s.handle.Kube, Selector: check.Selector{GroupVersionKind: gvk, Name: name}, Expression: nodeReady,
		}
		err := (&Machine{Name: name, Do: MachineOn}).do(ctx, s)
		if err == nil {
			err = check.Wait(ctx, ready, pollInterval, nil)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

var nodeReady = func() *check.Expression {
	expression, err := check.Compile(`object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')`,
		check.Assertion, subjectVariables["object"])
	if err != nil {
		panic(err) // the text is fixed
	}
	return expression
}()
