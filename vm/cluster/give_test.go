package cluster

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// A node gets what its group has, and loses what it had of it; what others have
// set stays.
func TestEquip(t *testing.T) {
	theirs := corev1.Taint{Key: "node.kubernetes.io/unschedulable", Effect: corev1.TaintEffectNoSchedule}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"theirs": "1", "tier": "by hand"}},
		Spec:       corev1.NodeSpec{Taints: []corev1.Taint{theirs}},
	}
	first := vm.Group{Labels: map[string]string{"tier": "web", "gone": "soon"}, Taints: []vm.Taint{{Key: "a", Value: "1", Effect: vm.NoSchedule}, {Key: "a", Effect: vm.NoExecute}}}
	second := vm.Group{Labels: map[string]string{"tier": "db"}, Taints: []vm.Taint{{Key: "a", Value: "2", Effect: vm.NoSchedule}}}
	for _, step := range []struct {
		group  vm.Group
		labels map[string]string
		taints []corev1.Taint
	}{
		{vm.Group{}, map[string]string{"theirs": "1", "tier": "by hand"}, []corev1.Taint{theirs}},
		{first, map[string]string{"theirs": "1", "tier": "web", "gone": "soon"}, []corev1.Taint{theirs, {Key: "a", Value: "1", Effect: "NoSchedule"}, {Key: "a", Effect: "NoExecute"}}},
		{second, map[string]string{"theirs": "1", "tier": "db"}, []corev1.Taint{theirs, {Key: "a", Value: "2", Effect: "NoSchedule"}}},
		{vm.Group{}, map[string]string{"theirs": "1"}, []corev1.Taint{theirs}},
	} {
		before := node.DeepCopy()
		changed := equip(node, step.group)
		if !maps.Equal(node.Labels, step.labels) || !slices.Equal(node.Spec.Taints, step.taints) {
			t.Errorf("%+v: labels %v, taints %v", step.group, node.Labels, node.Spec.Taints)
		}
		if same := maps.Equal(before.Labels, node.Labels); changed == same {
			t.Errorf("%+v: changed: %t", step.group, changed)
		}
		if equip(node, step.group) {
			t.Errorf("%+v: a second time changed something", step.group)
		}
	}
	if len(node.Annotations) > 0 {
		t.Errorf("left: %v", node.Annotations)
	}
}
