package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// FieldManager is the name under which axolotl owns fields it applies.
const FieldManager = "axolotl"

// Decode reads the objects of a multi-document YAML or JSON text.
func Decode(manifests []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if len(object.Object) == 0 {
			continue // an empty document
		}
		if object.GetKind() == "" || object.GetAPIVersion() == "" || object.GetName() == "" {
			return nil, fmt.Errorf("manifest %d needs apiVersion, kind and metadata.name", len(objects)+1)
		}
		objects = append(objects, object)
	}
}

// Apply applies objects in order by server-side apply, taking over fields that
// others own, and returns what the server holds then. namespace is where
// namespaced objects without one go.
func (c *Client) Apply(ctx context.Context, namespace string, objects ...*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	return c.apply(ctx, namespace, nil, objects)
}

// DryRun asks the API server for all that Apply does, admission and
// validation with it, and changes nothing. It returns what the server would
// hold then.
func (c *Client) DryRun(ctx context.Context, namespace string, objects ...*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	return c.apply(ctx, namespace, []string{metav1.DryRunAll}, objects)
}

func (c *Client) apply(ctx context.Context, namespace string, dryRun []string, objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	var applied []*unstructured.Unstructured
	for _, object := range objects {
		ns := object.GetNamespace()
		if ns == "" {
			ns = namespace
		}
		resource, _, err := c.Resource(object.GroupVersionKind(), ns)
		if err != nil {
			return applied, fmt.Errorf("apply %s %q: %w", object.GetKind(), object.GetName(), err)
		}
		got, err := resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: FieldManager, Force: true, DryRun: dryRun})
		if err != nil {
			return applied, fmt.Errorf("apply %s %q: %w", object.GetKind(), object.GetName(), err)
		}
		applied = append(applied, got)
	}
	return applied, nil
}

// Delete deletes objects, last first; one that is gone already is success.
func (c *Client) Delete(ctx context.Context, namespace string, objects ...*unstructured.Unstructured) error {
	var errs []error
	for i := len(objects) - 1; i >= 0; i-- {
		object := objects[i]
		ns := object.GetNamespace()
		if ns == "" {
			ns = namespace
		}
		resource, _, err := c.Resource(object.GroupVersionKind(), ns)
		if err == nil {
			err = resource.Delete(ctx, object.GetName(), metav1.DeleteOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("delete %s %q: %w", object.GetKind(), object.GetName(), err))
		}
	}
	return errors.Join(errs...)
}
