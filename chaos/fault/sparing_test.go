package fault

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTaintSparesWhatToleratesItForEver(t *testing.T) {
	f := &NodeTaint{Key: "k"}
	soon := int64(5)
	for name, test := range map[string]struct {
		tolerations     []corev1.Toleration
		tolerated, ever bool
	}{
		"none":                {nil, false, false},
		"of all":              {[]corev1.Toleration{{Operator: corev1.TolerationOpExists}}, true, true},
		"of this one":         {[]corev1.Toleration{{Key: "k", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}}, true, true},
		"of this, no value":   {[]corev1.Toleration{{Key: "k"}}, true, true},
		"of another value":    {[]corev1.Toleration{{Key: "k", Value: "v"}}, false, false},
		"of another effect":   {[]corev1.Toleration{{Key: "k", Effect: corev1.TaintEffectNoSchedule}}, false, false},
		"of another":          {[]corev1.Toleration{{Key: "other", Operator: corev1.TolerationOpExists}}, false, false},
		"for a while":         {[]corev1.Toleration{{Key: "k", TolerationSeconds: &soon}}, true, false},
		"for a while, of two": {[]corev1.Toleration{{Operator: corev1.TolerationOpExists}, {Key: "k", TolerationSeconds: &soon}}, true, false},
	} {
		p := &corev1.Pod{Spec: corev1.PodSpec{Tolerations: test.tolerations}}
		if f.tolerated(p) != test.tolerated || f.Spares(p) != test.ever {
			t.Errorf("%s: tolerated %t, for ever %t", name, f.tolerated(p), f.Spares(p))
		}
	}
}

func TestDrainSparesWhatItLeaves(t *testing.T) {
	owned := func(kind string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: kind, Controller: new(true)}}}}
	}
	static := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{corev1.MirrorPodAnnotationKey: "x"}}}
	f := &NodeDrain{}
	if f.Spares(owned("ReplicaSet")) || f.Spares(&corev1.Pod{}) || !f.Spares(owned("DaemonSet")) || !f.Spares(static) {
		t.Error("it does not spare just the pods of DaemonSets and static ones")
	}
}
