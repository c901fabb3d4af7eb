package labs

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
	"axolotl/vm/addon"
)

// String lists the needs: "real pods, 3 nodes"; "" where there are none.
func (n Needs) String() string {
	var needs []string
	if n.RealPods {
		needs = append(needs, "real pods")
	}
	if n.Nodes > 1 {
		needs = append(needs, fmt.Sprintf("%d nodes", n.Nodes))
	}
	if n.MachineControl {
		needs = append(needs, "machine control")
	}
	if n.NodePower {
		needs = append(needs, "node power")
	}
	for _, name := range n.Addons {
		needs = append(needs, "add-on "+string(name))
	}
	return strings.Join(needs, ", ")
}

// with are the needs of both.
func (n Needs) with(other Needs) Needs {
	return Needs{
		RealPods:       n.RealPods || other.RealPods,
		Nodes:          max(n.Nodes, other.Nodes),
		MachineControl: n.MachineControl || other.MachineControl,
		NodePower:      n.NodePower || other.NodePower,
		Addons:         slices.Compact(slices.Sorted(slices.Values(slices.Concat(n.Addons, other.Addons)))),
	}
}

// cover tells whether a cluster that meets these needs meets the others too.
func (n Needs) cover(other Needs) bool { return reflect.DeepEqual(n.with(other), n.with(n)) }

// missing says what a lab needs and this cluster lacks, or "".
func (n Needs) missing(ctx context.Context, h *vm.Handle) (string, error) {
	driver := h.Driver.Name()
	if n.RealPods && !h.Driver.Traits().RealPods {
		return fmt.Sprintf("it needs real pods; the nodes of driver %q are simulated and pods never answer", driver), nil
	}
	if _, powers := h.Driver.(vm.Powerer); n.MachineControl && !(powers && h.Driver.Traits().RealMachines) {
		return fmt.Sprintf("it needs machines whose power can be cut; driver %q has none", driver), nil
	}
	if _, powers := h.Driver.(vm.Powerer); n.NodePower && !powers {
		return fmt.Sprintf("it needs nodes that can be switched off; driver %q has none", driver), nil
	}
	for _, name := range n.Addons {
		a, err := addon.Find(string(name))
		if err != nil {
			return "", err
		}
		if reason, err := a.Missing(ctx, h); reason != "" || err != nil {
			return reason, err
		}
	}
	if n.Nodes > 1 {
		nodes, err := h.Kube.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return "", fmt.Errorf("count the nodes: %w", err)
		}
		if len(nodes.Items) < n.Nodes {
			return fmt.Sprintf("it needs %d nodes; the cluster has %d", n.Nodes, len(nodes.Items)), nil
		}
	}
	return "", nil
}

// MostNodes is how many nodes the lab needs for all of its steps.
func (l *Lab) MostNodes() int {
	most := max(1, l.Needs.Nodes)
	for _, step := range l.Steps {
		most = max(most, step.Needs.Nodes)
	}
	return most
}
