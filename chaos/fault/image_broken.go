package fault

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"axolotl/vm"
)

// ImageBroken gives deployments an image that does not exist, as a slip in a
// release does.
type ImageBroken struct {
	Image string `json:"image" yaml:"image"` // the one that is set
}

// Check implements Checked.
func (f *ImageBroken) Check() []Wrong { return some("image", f.Image) }

// The keys of what a deployment was like.
const (
	priorContainer = "container"
	priorImage     = "image"
	priorReplicas  = "replicas"
)

// Name implements Fault.
func (*ImageBroken) Name() string { return "image-broken" }

// Effect implements Fault. A rolling update keeps the pods that run.
func (*ImageBroken) Effect() Effect {
	return Effect{On: OnDeployments, Takes: TakesNothing, Slow: true}
}

// Endangers implements Endangering: an update that need not keep any pod takes all of
// them, and brings none that runs.
func (*ImageBroken) Endangers(ctx context.Context, h *vm.Handle, t Target) (func(p *corev1.Pod) bool, error) {
	d, err := h.Kube.Typed.AppsV1().Deployments(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
	if err != nil || !keepsNone(&d.Spec) {
		return nil, err
	}
	return anyPod, nil
}

// keepsNone tells whether an update of a deployment may take all of its pods at once.
// What is unavailable is rounded down and what is too many up; where both are none,
// one may be unavailable.
func keepsNone(spec *appsv1.DeploymentSpec) bool {
	if spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return true
	}
	rolling := spec.Strategy.RollingUpdate
	if rolling == nil || spec.Replicas == nil { // the server defaults both
		return false
	}
	wanted := int(*spec.Replicas)
	scaled := func(value *intstr.IntOrString, up bool) int {
		n, err := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(value, intstr.FromInt32(0)), wanted, up)
		if err != nil {
			return wanted // it is the server's, which has let it pass; nothing is risked on it
		}
		return n
	}
	gone := scaled(rolling.MaxUnavailable, false)
	if gone == 0 && scaled(rolling.MaxSurge, true) == 0 {
		gone = 1
	}
	return gone >= wanted
}

// Doc implements Fault.
func (*ImageBroken) Doc() Doc {
	return Doc{
		Does:   "sets the image of the first container of deployments to one that does not exist",
		Needs:  "containers that run (libvirt)",
		Proved: "a pod with that image exists, made by the deployment's controller",
		Undone: "the image that was is set again, unless somebody else has set one; no pod with the broken one is left",
	}
}

// Available implements Fault.
func (*ImageBroken) Available(_ context.Context, h *vm.Handle) error {
	if !h.Driver.Traits().RealPods {
		return fmt.Errorf("driver %q pulls no images, so none can lack; use a cluster made with --driver libvirt", h.Driver.Name())
	}
	return nil
}

// Prepare implements Fault.
func (*ImageBroken) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		deployment, err := read(ctx, h, t)
		if err != nil {
			return nil, err
		}
		containers := containersOf(deployment)
		if len(containers) == 0 {
			return nil, errors.New("it has no containers")
		}
		return map[string]string{priorContainer: containers[0].Name, priorImage: containers[0].Image}, nil
	})
}

// containersOf are the containers that a deployment's pods have.
func containersOf(deployment *unstructured.Unstructured) []corev1.Container {
	var d appsv1.Deployment
	_ = runtime.DefaultUnstructuredConverter.FromUnstructured(deployment.Object, &d) // it is the server's
	return d.Spec.Template.Spec.Containers
}

// setImage is a patch that sets the image of a container.
const setImage = `{"spec":{"template":{"spec":{"containers":[{"name":%s,"image":%s}]}}}}`

// Inject implements Fault.
func (f *ImageBroken) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "break the image of", func(o Object) error {
		return merge(ctx, h, o.Target, "", setImage, o.Prior[priorContainer], f.Image)
	})
}

// Injected implements Fault.
func (f *ImageBroken) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		pods, err := f.pods(ctx, h, o)
		if err == nil && len(pods) == 0 {
			err = fmt.Errorf("%s has no pod with image %s yet", o, f.Image)
		}
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("pod %s of deployment %s has image %s", pods[0], o.Name, f.Image), nil
	})
}

// pods are the names of a deployment's pods that have the broken image.
func (f *ImageBroken) pods(ctx context.Context, h *vm.Handle, o Object) ([]string, error) {
	pods, err := podsOf(ctx, h, o)
	var names []string
	for _, p := range pods {
		if imageOf(p.Spec.Containers, o.Prior[priorContainer]) == f.Image {
			names = append(names, p.Name)
		}
	}
	return names, err
}

// imageOf is the image of a container; empty where there is none of that name.
func imageOf(containers []corev1.Container, name string) string {
	for _, c := range containers {
		if c.Name == name {
			return c.Image
		}
	}
	return ""
}

// Undo implements Fault.
func (f *ImageBroken) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "restore the image of", func(o Object) error {
		container := o.Prior[priorContainer]
		broken := func(deployment *unstructured.Unstructured) bool {
			return imageOf(containersOf(deployment), container) == f.Image
		}
		return restore(ctx, h, o.Target, broken, "", setImage, container, o.Prior[priorImage])
	})
}

// Undone implements Fault.
func (f *ImageBroken) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachRead(ctx, h, objects, func(o Object, deployment *unstructured.Unstructured) (string, error) {
		now, before := imageOf(containersOf(deployment), o.Prior[priorContainer]), o.Prior[priorImage]
		if before == f.Image {
			return fmt.Sprintf("deployment %s had image %s before", o.Name, before), nil
		}
		if now == f.Image {
			return "", fmt.Errorf("%s has image %s, before it was %s", o, now, before)
		}
		left, err := f.pods(ctx, h, o)
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("pod %s still has image %s", left[0], f.Image)
		}
		return fmt.Sprintf("deployment %s has image %s, %s, and no pod with %s", o.Name, now, since(now, before), f.Image), err
	})
}
