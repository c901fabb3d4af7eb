package cluster

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// givenAnnotation holds, on a node, which of its labels and taints are its
// group's: so they can be taken back, and others stay.
const givenAnnotation = "axolotl.dev/given"

type given struct {
	Labels []string   `json:"labels,omitempty"`
	Taints []vm.Taint `json:"taints,omitempty"`
}

// give gives a node the labels and taints of its group, and takes back what it
// was given before and is not in the group any more.
func give(ctx context.Context, client *kube.Client, node *corev1.Node, group vm.Group) error {
	_, noted := node.Annotations[givenAnnotation]
	if nothing := len(group.Labels)+len(group.Taints) == 0; nothing && !noted || !equip(node.DeepCopy(), group) {
		return nil
	}
	nodes := client.Typed.CoreV1().Nodes()
	return kube.RetryOnConflict(func() error {
		now, err := nodes.Get(ctx, node.Name, metav1.GetOptions{})
		if err != nil || !equip(now, group) {
			return err
		}
		_, err = nodes.Update(ctx, now, metav1.UpdateOptions{FieldManager: kube.FieldManager})
		return err
	})
}

// equip makes a node's object what its group says, and tells whether that
// changed anything.
func equip(node *corev1.Node, group vm.Group) bool {
	before := node.DeepCopy()
	var had given
	// NOTE: what somebody has damaged is no longer known to be ours.
	_ = json.Unmarshal([]byte(node.Annotations[givenAnnotation]), &had)
	for _, key := range had.Labels {
		if _, keep := group.Labels[key]; !keep {
			delete(node.Labels, key)
		}
	}
	for _, t := range had.Taints {
		node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, func(has corev1.Taint) bool {
			return same(has, t) && !slices.Contains(group.Taints, t)
		})
	}
	if node.Labels == nil {
		node.Labels = map[string]string{}
	}
	maps.Copy(node.Labels, group.Labels)
	for _, t := range group.Taints {
		taint := corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)}
		i := slices.IndexFunc(node.Spec.Taints, func(has corev1.Taint) bool { return same(has, t) })
		switch {
		case i < 0:
			node.Spec.Taints = append(node.Spec.Taints, taint)
		case node.Spec.Taints[i].Value != t.Value:
			node.Spec.Taints[i] = taint
		}
	}
	note(node, given{Labels: slices.Sorted(maps.Keys(group.Labels)), Taints: group.Taints})
	return !maps.Equal(before.Labels, node.Labels) || !maps.Equal(before.Annotations, node.Annotations) ||
		!slices.EqualFunc(before.Spec.Taints, node.Spec.Taints, func(a, b corev1.Taint) bool { return a.MatchTaint(&b) && a.Value == b.Value })
}

// same tells whether a node's taint is this one, whatever its value.
func same(has corev1.Taint, t vm.Taint) bool {
	return has.Key == t.Key && has.Effect == corev1.TaintEffect(t.Effect)
}

// note writes what a node was given; where that is nothing there is no note.
func note(node *corev1.Node, g given) {
	if len(g.Labels)+len(g.Taints) == 0 {
		delete(node.Annotations, givenAnnotation)
		return
	}
	data, err := json.Marshal(g)
	if err != nil {
		panic(err) // strings can be encoded
	}
	if node.Annotations == nil {
		node.Annotations = map[string]string{}
	}
	node.Annotations[givenAnnotation] = string(data)
}
