package labs

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/fault"
	"axolotl/internal/strictyaml"
	"axolotl/vm"
)

// Machine acts on the machine under a node. Machines that are off at the end
// of the lab are started, and those that are ruined are made anew.
type Machine struct {
	Name string      `yaml:"name,required" json:"name"` // of the machine, which is that of the node
	Do   MachineDeed `yaml:"do,required" json:"do"`
}

// MachineDeed is what is done to a machine.
type MachineDeed string

// What can be done to machines. That a removed node is added again is a start
// of its machine: its kubelet registers it anew, which it does only when it
// starts. So a machine that runs while its node is gone is started anew.
const (
	MachineOff      MachineDeed = "off"      // the plug is pulled
	MachineOn       MachineDeed = "on"       // it is started
	MachineRemove   MachineDeed = "remove"   // off, and the node is deleted from the cluster
	MachineAdd      MachineDeed = "add"      // started, anew where it runs, so that the node joins again
	MachineWipe     MachineDeed = "wipe"     // its disk is overwritten from inside, and it goes off
	MachineRecreate MachineDeed = "recreate" // it is thrown away, and another takes its place, as "axolotl recreate" does
)

// Values are what a file may say.
func (MachineDeed) Values() []string {
	return []string{string(MachineOff), string(MachineOn), string(MachineRemove), string(MachineAdd), string(MachineWipe), string(MachineRecreate)}
}

// ruins tells whether it is done to a machine's disk, which simulated ones have not.
func (d MachineDeed) ruins() bool { return d == MachineWipe || d == MachineRecreate }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *MachineDeed) UnmarshalText(text []byte) error {
	return strictyaml.SetWord(d, "nothing that a machine does:", text)
}

// String implements deed.
func (m *Machine) String() string { return fmt.Sprintf("machine %s: %s", m.Name, m.Do) }

func (m *Machine) validate(v *validator, at string) {
	switch {
	case m.Do.ruins() && !v.needs.MachineControl:
		v.document.Faultf(at, `this needs real machines; add "needs: {machine-control: true}" to the lab`)
	case !v.needs.NodePower && !v.needs.MachineControl:
		v.document.Faultf(at, `this needs the power of machines; add "needs: {node-power: true}" to the lab`)
	}
}

// do implements deed. A machine that goes off is in the journal before, as the
// fault that it is, and stays there to the end of the lab: whether the learner
// started it meanwhile is seen then.
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
	switch m.Do {
	case MachineOn, MachineAdd:
		return s.powerOn(ctx, power, m.Name)
	case MachineWipe:
		return s.wipe(ctx, m.Name)
	case MachineRecreate:
		return s.recreate(ctx, m.Name)
	}
	if err := s.powerOff(ctx, m.Name); err != nil || m.Do == MachineOff {
		return err
	}
	err := s.handle.Kube.Typed.CoreV1().Nodes().Delete(ctx, m.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// powerOn starts a machine, so that its node is there. One that runs without its node,
// which a learner has deleted, is started anew: a kubelet registers it only then.
func (s *session) powerOn(ctx context.Context, power vm.Powerer, name string) error {
	states, err := s.machineStates(ctx)
	if err != nil {
		return err
	}
	_, err = s.handle.Kube.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if states[name] == vm.MachineRunning && apierrors.IsNotFound(err) {
		return fault.StartAnew(ctx, s.handle, name)
	}
	return power.PowerOn(ctx, s.handle.Cluster, name)
}

// powerOff cuts a machine's power. One whose node the lab has deleted is off.
func (s *session) powerOff(ctx context.Context, name string) error {
	target := fault.Target{Kind: fault.OnNodes, Name: name}
	node, err := s.handle.Kube.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		target.UID = node.UID
	case !apierrors.IsNotFound(err):
		return err
	case s.hasStruck(func(struck *Struck) bool { return struck.Machine == name }):
		return nil
	}
	return s.strike(ctx, &fault.PowerCut{}, []fault.Target{target}, name)
}
