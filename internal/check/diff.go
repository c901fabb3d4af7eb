package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/internal/kube"
)

// Diff holds where its expression is true of what applying manifests would
// change now, by the API server's own dry run. It knows the paths as
// "changes": "Deployment web: spec.replicas", or "Deployment web" alone for an
// object that is not there.
type Diff struct {
	Client     *kube.Client
	Namespace  string
	Apply      []*unstructured.Unstructured
	Expression *Expression
	Variables  map[string]any
}

// String implements Condition.
func (d Diff) String() string { return "what apply would change: " + d.Expression.String() }

// Check implements Condition.
func (d Diff) Check(ctx context.Context) error {
	changes := []string{}
	for _, object := range d.Apply {
		found, err := d.changes(ctx, object)
		if err != nil {
			return err
		}
		changes = append(changes, found...)
	}
	err := d.Expression.Holds(ctx, with(d.Variables, "changes", changes))
	var unmet *Unmet
	if errors.As(err, &unmet) {
		unmet.Seen = []string{"apply would change nothing"}
		if len(changes) > 0 {
			unmet.Seen = []string{"apply would change " + brief(changes)}
		}
	}
	return err
}

func (d Diff) changes(ctx context.Context, object *unstructured.Unstructured) ([]string, error) {
	after, err := d.Client.DryRun(ctx, d.Namespace, object)
	if err != nil {
		return nil, err
	}
	name := object.GetKind() + " " + object.GetName()
	resource, _, err := d.Client.Resource(after[0].GroupVersionKind(), after[0].GetNamespace())
	if err != nil {
		return nil, err
	}
	before, err := resource.Get(ctx, after[0].GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return []string{name}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, o := range []*unstructured.Unstructured{before, after[0]} { // what the server itself keeps account by
		o.SetManagedFields(nil)
		o.SetGeneration(0)
		o.SetResourceVersion("")
		unstructured.RemoveNestedField(o.Object, "status")
	}
	paths := differing("", before.Object, after[0].Object)
	for i := range paths {
		paths[i] = name + ": " + paths[i]
	}
	return paths, nil
}

// differing are the paths of the fields in which two values differ, the
// deepest that tell, in order.
func differing(path string, a, b any) []string {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			break
		}
		var paths []string
		keys := maps.Clone(a)
		maps.Copy(keys, b)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			below := key
			if path != "" {
				below = path + "." + key
			}
			paths = append(paths, differing(below, a[key], b[key])...)
		}
		return paths
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			break
		}
		var paths []string
		for i := range a {
			paths = append(paths, differing(fmt.Sprintf("%s[%d]", path, i), a[i], b[i])...)
		}
		return paths
	}
	if reflect.DeepEqual(a, b) {
		return nil
	}
	return []string{path}
}
