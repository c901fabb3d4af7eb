package labs

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"axolotl/internal/check"
	"axolotl/internal/kube"
)

// SetImage changes the image of a container, the first where none is named.
type SetImage struct {
	Target
	Container string `yaml:"container" json:"container,omitempty"`
	Image     string `yaml:"image,required" json:"image"`
}

// String implements deed.
func (i *SetImage) String() string { return "setImage of " + i.Target.String() }

func (i *SetImage) validate(v *validator, at string) { v.target(at, i.Target, true) }

func (i *SetImage) do(ctx context.Context, s *session) error {
	return s.on(i.Target, func(ref kube.Ref) error { return s.handle.Kube.SetImage(ctx, ref, i.Container, i.Image) })
}

// Env changes the environment of a workload's container, as "kubectl set env".
type Env struct {
	Target
	Container     string            `yaml:"container" json:"container,omitempty"`
	Set           map[string]string `yaml:"set" json:"set,omitempty"`
	Unset         []string          `yaml:"unset" json:"unset,omitempty"`
	FromConfigMap string            `yaml:"fromConfigMap" json:"fromConfigMap,omitempty"` // a variable of each key
}

// String implements deed.
func (e *Env) String() string { return "env of " + e.Target.String() }

func (e *Env) validate(v *validator, at string) {
	v.target(at, e.Target, true)
	if len(e.Set)+len(e.Unset) == 0 && e.FromConfigMap == "" {
		v.document.Faultf(at, "say what to set, unset, or take fromConfigMap")
	}
}

func (e *Env) do(ctx context.Context, s *session) error {
	return s.on(e.Target, func(ref kube.Ref) error {
		var variables []corev1.EnvVar
		if e.FromConfigMap != "" {
			from, err := s.handle.Kube.EnvFromConfigMap(ctx, ref.Namespace, e.FromConfigMap)
			if err != nil {
				return err
			}
			variables = from
		}
		for _, name := range slices.Sorted(maps.Keys(e.Set)) {
			variables = append(variables, corev1.EnvVar{Name: name, Value: e.Set[name]})
		}
		return s.handle.Kube.SetEnv(ctx, ref, e.Container, variables, e.Unset)
	})
}

// Exec runs a command in a container of a pod, as soon as that runs.
type Exec struct {
	Pod       string            `yaml:"pod" json:"pod,omitempty"`
	Pods      map[string]string `yaml:"pods" json:"pods,omitempty"` // labels; the first by name
	Container string            `yaml:"container" json:"container,omitempty"`
	Command   []string          `yaml:"command,required" json:"command"`
}

// String implements deed.
func (e *Exec) String() string { return fmt.Sprintf("exec %q", e.Command) }

func (e *Exec) validate(v *validator, at string) {
	v.needsRealPods(at)
	v.podOrPods(at, e.Pod, e.Pods)
}

func (e *Exec) do(ctx context.Context, s *session) error {
	selector, pod := check.PodSelector(s.namespace, e.Pod, e.Pods), ""
	running := check.Func(selector.String()+" runs", func(ctx context.Context) error {
		var err error
		pod, err = check.RunningPod(ctx, s.handle.Kube, selector)
		return err
	})
	if err := check.Wait(ctx, running, pollInterval, nil); err != nil {
		return err
	}
	output, err := s.handle.Kube.Exec(ctx, s.namespace, pod, e.Container, e.Command)
	if err != nil {
		return err
	}
	if output.ExitCode != 0 {
		return fmt.Errorf("%q in pod %q exits with %d: %s", e.Command, pod, output.ExitCode, output.Stderr)
	}
	return nil
}
