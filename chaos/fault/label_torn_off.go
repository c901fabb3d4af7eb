package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/vm"
)

// LabelTornOff takes a label off pods by which their controller and their
// service know them.
type LabelTornOff struct {
	// the one to take; empty: the first by name that is not made by the controller
	// itself
	Label string `json:"label,omitempty" yaml:"label"`
}

// The keys of the label that a pod had.
const (
	priorLabel = "label"
	priorValue = "value"
)

// Name implements Fault.
func (*LabelTornOff) Name() string { return "label-torn-off" }

// Effect implements Fault.
func (*LabelTornOff) Effect() Effect { return Effect{On: OnPods, Takes: TakesPods} }

// Doc implements Fault.
func (*LabelTornOff) Doc() Doc {
	return Doc{
		Does:   "takes a label off pods by which their controller finds them: it lets go of them and makes others",
		Needs:  "pods that a controller keeps",
		Proved: "the pod, read again, has neither the label nor a controller any more",
		Undone: "the label is put back where it lacks; the controller then has a pod too many and deletes one",
	}
}

// Available implements Fault.
func (*LabelTornOff) Available(context.Context, *vm.Handle) error { return nil }

// Prepare implements Fault.
func (f *LabelTornOff) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		if err := keptPod(ctx, h, t); err != nil {
			return nil, err
		}
		pod, err := read(ctx, h, t)
		if err != nil {
			return nil, err
		}
		labels := pod.GetLabels()
		made := []string{appsv1.DefaultDeploymentUniqueLabelKey, appsv1.ControllerRevisionHashLabelKey,
			appsv1.StatefulSetPodNameLabel, appsv1.PodIndexLabel, "pod-template-generation"}
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			if name == f.Label || f.Label == "" && !slices.Contains(made, name) {
				return map[string]string{priorLabel: name, priorValue: labels[name]}, nil
			}
		}
		return nil, fmt.Errorf("it has no label %q; its labels are %v", f.Label, labels)
	})
}

// setLabel is a patch that sets a label, or takes it off where it is null.
const setLabel = `{"metadata":{"labels":{%s:%s}}}`

// Inject implements Fault.
func (*LabelTornOff) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "tear the label off", func(o Object) error {
		return merge(ctx, h, o.Target, types.MergePatchType, setLabel, o.Prior[priorLabel], nil)
	})
}

// Injected implements Fault.
func (*LabelTornOff) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachRead(ctx, h, objects, func(o Object, pod *unstructured.Unstructured) (string, error) {
		name := o.Prior[priorLabel]
		if _, there := pod.GetLabels()[name]; there {
			return "", fmt.Errorf("%s still has label %s", o, name)
		}
		if metav1.GetControllerOf(pod) != nil {
			return "", errors.New("its controller has not let go of " + o.String() + "; is " + name + " a label that it selects by?")
		}
		return fmt.Sprintf("pod %s has neither label %s nor a controller", o.Name, name), nil
	})
}

// Undo implements Fault.
func (*LabelTornOff) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "put the label back on", func(o Object) error {
		lacks := func(pod *unstructured.Unstructured) bool {
			_, there := pod.GetLabels()[o.Prior[priorLabel]]
			return !there
		}
		return restore(ctx, h, o.Target, lacks, types.MergePatchType, setLabel, o.Prior[priorLabel], o.Prior[priorValue])
	})
}

// Undone implements Fault.
func (*LabelTornOff) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachRead(ctx, h, objects, func(o Object, pod *unstructured.Unstructured) (string, error) {
		name, before := o.Prior[priorLabel], o.Prior[priorValue]
		now, there := pod.GetLabels()[name]
		if !there {
			return "", fmt.Errorf("%s has no label %s, before it was %q", o, name, before)
		}
		return fmt.Sprintf("pod %s has label %s: %s, %s", o.Name, name, now, since(now, before)), nil
	})
}
