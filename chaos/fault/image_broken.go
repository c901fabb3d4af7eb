package fault

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/vm"
)

// ImageBroken gives deployments an image that does not exist, as a slip in a
// release does.
type ImageBroken struct {
	Image string `json:"image,omitempty" yaml:"image"`
}

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

// Doc implements Fault.
func (*ImageBroken) Doc() Doc {
	return Doc{
		Does:   "sets the image of the first container of deployments to one that does not exist",
		Needs:  "containers that run (libvirt)",
		Proved: "a pod with that image exists, made by the deployment's controller",
		Undone: "the image that was is set again; no pod with the broken one is left",
	}
}

// Available implements Fault.
func (*ImageBroken) Available(h *vm.Handle) error {
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
		containers, _, err := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
		if err != nil || len(containers) == 0 {
			return nil, fmt.Errorf("it has no containers: %w", err)
		}
		first, _ := containers[0].(map[string]any)
		name, _ := first["name"].(string)
		image, _ := first["image"].(string)
		return map[string]string{priorContainer: name, priorImage: image}, nil
	})
}

func setImage(ctx context.Context, h *vm.Handle, o Object, image string) error {
	return merge(ctx, h, o.Target, "", `{"spec":{"template":{"spec":{"containers":[{"name":%s,"image":%s}]}}}}`, o.Prior[priorContainer], image)
}

// Inject implements Fault.
func (f *ImageBroken) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "break the image of", func(o Object) error { return setImage(ctx, h, o, f.Image) })
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
		if imageOf(&p, o.Prior[priorContainer]) == f.Image {
			names = append(names, p.Name)
		}
	}
	return names, err
}

// imageOf is the image of a pod's container; empty where it has none of that
// name.
func imageOf(p *corev1.Pod, container string) string {
	for _, c := range p.Spec.Containers {
		if c.Name == container {
			return c.Image
		}
	}
	return ""
}

// Undo implements Fault.
func (*ImageBroken) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "restore the image of", func(o Object) error { return setImage(ctx, h, o, o.Prior[priorImage]) })
}

// Undone implements Fault.
func (f *ImageBroken) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		now, err := f.Prepare(ctx, h, []Target{o.Target})
		if err != nil {
			return "", err
		}
		if image := now[0].Prior[priorImage]; image != o.Prior[priorImage] {
			return "", fmt.Errorf("%s has image %s, before it was %s", o, image, o.Prior[priorImage])
		}
		left, err := f.pods(ctx, h, o)
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("pod %s still has image %s", left[0], f.Image)
		}
		return fmt.Sprintf("deployment %s has image %s, as before, and no pod with another", o.Name, o.Prior[priorImage]), err
	})
}
