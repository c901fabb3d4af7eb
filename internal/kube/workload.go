package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Ref names one object.
type Ref struct {
	schema.GroupVersionKind
	Namespace string
	Name      string
}

// RefOf names an object that was read.
func RefOf(object *unstructured.Unstructured) Ref {
	return Ref{GroupVersionKind: object.GroupVersionKind(), Namespace: object.GetNamespace(), Name: object.GetName()}
}

// String is `Deployment "web"`.
func (r Ref) String() string { return fmt.Sprintf("%s %q", r.Kind, r.Name) }

// Patch patches an object. Where patchType is empty it is a strategic merge
// for Kubernetes' own kinds, as kubectl's default is.
func (c *Client) Patch(ctx context.Context, ref Ref, patchType types.PatchType, patch any, subresources ...string) error {
	if patchType == "" {
		patchType = types.StrategicMergePatchType
	}
	data, err := json.Marshal(patch)
	if err != nil {
		return fmt.Errorf("patch %s: %w", ref, err)
	}
	resource, _, err := c.Resource(ref.GroupVersionKind, ref.Namespace)
	if err != nil {
		return fmt.Errorf("patch %s: %w", ref, err)
	}
	if _, err := resource.Patch(ctx, ref.Name, patchType, data, metav1.PatchOptions{FieldManager: FieldManager}, subresources...); err != nil {
		return fmt.Errorf("patch %s: %w", ref, err)
	}
	return nil
}

// Scale sets the number of replicas, as "kubectl scale" does.
func (c *Client) Scale(ctx context.Context, ref Ref, replicas int) error {
	return c.Patch(ctx, ref, types.MergePatchType, map[string]any{"spec": map[string]any{"replicas": replicas}}, "scale")
}

// Label sets labels of an object; a nil value takes the label off.
func (c *Client) Label(ctx context.Context, ref Ref, labels map[string]*string) error {
	return c.Patch(ctx, ref, types.MergePatchType, map[string]any{"metadata": map[string]any{"labels": labels}})
}

// Annotate sets annotations as Label does labels.
func (c *Client) Annotate(ctx context.Context, ref Ref, annotations map[string]*string) error {
	return c.Patch(ctx, ref, types.MergePatchType, map[string]any{"metadata": map[string]any{"annotations": annotations}})
}

// Evict asks for a pod's removal as "kubectl drain" does; where a disruption
// budget forbids it the error is TooManyRequests.
func (c *Client) Evict(ctx context.Context, namespace, pod string, options metav1.DeleteOptions) error {
	return c.Typed.PolicyV1().Evictions(namespace).Evict(ctx, &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pod}, DeleteOptions: &options,
	})
}

// SetImage changes the image of a container, of the first where container is
// empty, in a pod or in a workload's pod template.
func (c *Client) SetImage(ctx context.Context, ref Ref, container, image string) error {
	return c.updateContainer(ctx, ref, container, func(spec *corev1.Container) { spec.Image = image })
}

// SetEnv changes environment variables of a container, of the first where
// container is empty, as "kubectl set env" does: those in variables get a
// value or a source, those in unset go, the others stay.
func (c *Client) SetEnv(ctx context.Context, ref Ref, container string, variables []corev1.EnvVar, unset []string) error {
	return c.updateContainer(ctx, ref, container, func(spec *corev1.Container) {
		for _, variable := range variables {
			i := slices.IndexFunc(spec.Env, func(e corev1.EnvVar) bool { return e.Name == variable.Name })
			if i < 0 {
				spec.Env = append(spec.Env, variable)
			} else {
				spec.Env[i] = variable
			}
		}
		spec.Env = slices.DeleteFunc(spec.Env, func(e corev1.EnvVar) bool { return slices.Contains(unset, e.Name) })
	})
}

// EnvFromConfigMap makes one environment variable of each key, by name, that
// takes its value from the ConfigMap.
func (c *Client) EnvFromConfigMap(ctx context.Context, namespace, name string) ([]corev1.EnvVar, error) {
	configMap, err := c.Typed.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	var variables []corev1.EnvVar
	for _, key := range slices.Sorted(maps.Keys(configMap.Data)) {
		variables = append(variables, corev1.EnvVar{Name: key, ValueFrom: &corev1.EnvVarSource{
			ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key},
		}})
	}
	return variables, nil
}

// updateContainer reads, changes and writes an object, anew where somebody
// else wrote it meanwhile.
func (c *Client) updateContainer(ctx context.Context, ref Ref, container string, change func(*corev1.Container)) error {
	resource, _, err := c.Resource(ref.GroupVersionKind, ref.Namespace)
	if err != nil {
		return fmt.Errorf("change %s: %w", ref, err)
	}
	err = RetryOnConflict(func() error {
		object, err := resource.Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if err := changeContainer(object, container, change); err != nil {
			return err
		}
		_, err = resource.Update(ctx, object, metav1.UpdateOptions{FieldManager: FieldManager})
		return err
	})
	if err != nil {
		return fmt.Errorf("change %s: %w", ref, err)
	}
	return nil
}

func changeContainer(object *unstructured.Unstructured, name string, change func(*corev1.Container)) error {
	path := []string{"spec", "template", "spec", "containers"}
	if object.GetKind() == "Pod" {
		path = []string{"spec", "containers"}
	}
	containers, _, err := unstructured.NestedSlice(object.Object, path...)
	if err != nil {
		return err
	}
	for i := range containers {
		raw, ok := containers[i].(map[string]any)
		if !ok || name != "" && raw["name"] != name {
			continue
		}
		spec := &corev1.Container{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw, spec); err != nil {
			return err
		}
		change(spec)
		if containers[i], err = runtime.DefaultUnstructuredConverter.ToUnstructured(spec); err != nil {
			return err
		}
		return unstructured.SetNestedSlice(object.Object, containers, path...)
	}
	return fmt.Errorf("it has no container %q", name)
}
