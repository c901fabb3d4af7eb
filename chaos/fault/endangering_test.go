package fault

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Without most of its packets a node is cut off, whatever the fault is called.
func TestEffectDependsOnSettings(t *testing.T) {
	for _, test := range []struct {
		spec Spec
		want Takes
	}{
		{Spec{Name: "slow-network"}, TakesNothing},
		{Spec{Name: "slow-network", With: []byte(`{"loss":49}`)}, TakesNothing},
		{Spec{Name: "slow-network", With: []byte(`{"loss":50}`)}, TakesContact},
		{Spec{Name: "network-corruption", With: []byte(`{"percent":20}`)}, TakesNothing},
		{Spec{Name: "network-corruption", With: []byte(`{"percent":100}`)}, TakesContact},
	} {
		f, err := test.spec.Fault()
		must(t, err)
		if got := f.Effect(); got.Takes != test.want || got.On != OnNodes || !got.Slow {
			t.Errorf("%s with %s: %+v, want it to take %s", test.spec.Name, test.spec.With, got, test.want)
		}
	}
}

func TestUpdatesThatKeepNone(t *testing.T) {
	rolling := func(unavailable, surge string) appsv1.DeploymentStrategy {
		u, s := intstr.Parse(unavailable), intstr.Parse(surge)
		return appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: &u, MaxSurge: &s}}
	}
	for name, test := range map[string]struct {
		replicas int32
		strategy appsv1.DeploymentStrategy
		want     bool
	}{
		"recreate":            {3, appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}, true},
		"as it is by default": {3, rolling("25%", "25%"), false},
		"of one, by default":  {1, rolling("25%", "25%"), false},
		"all":                 {3, rolling("100%", "25%"), true},
		"three of three":      {3, rolling("3", "1"), true},
		"two of three":        {3, rolling("2", "1"), false},
		"one of one":          {1, rolling("1", "0"), true},
		"neither, of one":     {1, rolling("25%", "0"), true},
	} {
		if got := keepsNone(&appsv1.DeploymentSpec{Replicas: &test.replicas, Strategy: test.strategy}); got != test.want {
			t.Errorf("%s: keeps none: %t", name, got)
		}
	}
}

func TestPodsThatGoPastTheirLimit(t *testing.T) {
	f, err := New("pod-memory-pressure") // 64 MiB
	must(t, err)
	for name, test := range map[string]struct {
		request, limit string
		want           bool
	}{
		"no limit":         {"", "", false},
		"room enough":      {"64Mi", "128Mi", false},
		"not quite enough": {"65Mi", "128Mi", true},
		"it is its limit":  {"128Mi", "128Mi", true},
		"a small one":      {"", "32Mi", true},
	} {
		of := corev1.ResourceRequirements{Limits: corev1.ResourceList{}, Requests: corev1.ResourceList{}}
		if test.limit != "" {
			of.Limits[corev1.ResourceMemory] = resource.MustParse(test.limit)
		}
		if test.request != "" {
			of.Requests[corev1.ResourceMemory] = resource.MustParse(test.request)
		}
		endangered, err := f.(Endangering).Endangers(t.Context(), nil, Target{})
		must(t, err)
		if got := endangered(&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: of}}}}); got != test.want {
			t.Errorf("%s: endangered %t", name, got)
		}
	}
}
