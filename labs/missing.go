package labs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// ownImage is that of the labs' application. Nodes made of our own image have it,
// and no registry has.
const ownImage = "axolotl/pingapp"

// missing says what the lab needs and this cluster lacks, or "": what it says that
// it needs, and what only clusters that are ours through and through can give.
func (l *Lab) missing(ctx context.Context, h *vm.Handle) (string, error) {
	if reason, err := l.Needs.missing(ctx, h); reason != "" || err != nil {
		return reason, err
	}
	driver, traits := h.Driver.Name(), h.Driver.Traits()
	if traits.Foreign && slices.ContainsFunc(l.Steps, Step.breaks) {
		return fmt.Sprintf("it breaks something, and a lab breaks nothing in a cluster that somebody else has made (driver %q)", driver), nil
	}
	if !traits.Foreign && !traits.Formed || !strings.Contains(l.source, ownImage) {
		return "", nil
	}
	there, err := onNodes(ctx, h, ownImage)
	if there || err != nil {
		return "", err
	}
	return fmt.Sprintf("it needs the image %s, which is in no registry, and no node says that it has it; driver %q does not bring it", ownImage, driver), nil
}

// breaks tells whether the step breaks something by a fault.
func (s Step) breaks() bool {
	return slices.ContainsFunc(slices.Concat(s.Setup, s.Do), func(a Action) bool { return a.Break != nil })
}

// onNodes tells whether a node has an image, whichever its tag, by the kubelet's
// own list, which is of the largest fifty.
func onNodes(ctx context.Context, h *vm.Handle, image string) (bool, error) {
	nodes, err := h.Kube.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, fmt.Errorf("see which images the nodes have: %w", err)
	}
	for i := range nodes.Items {
		for _, on := range nodes.Items[i].Status.Images {
			if slices.ContainsFunc(on.Names, func(name string) bool { return strings.Contains(name, "/"+image+":") }) {
				return true, nil
			}
		}
	}
	return false, nil
}
