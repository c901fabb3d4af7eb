package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"axolotl/internal/kube"
)

// Selector says which objects are meant: one by its name, or all of a kind,
// or those with labels.
type Selector struct {
	schema.GroupVersionKind
	Namespace string
	Name      string
	Labels    map[string]string
}

// String is "Deployment pingapp" or "Pods with app=pingapp".
func (s Selector) String() string {
	switch {
	case s.Name != "":
		return s.Kind + " " + s.Name
	case len(s.Labels) > 0:
		return fmt.Sprintf("%ss with %s", s.Kind, labels.FormatLabels(s.Labels))
	}
	return s.Kind + "s"
}

// Get returns the one object that is meant; the error is *Unmet where there
// is none, or more than one.
func (s Selector) Get(ctx context.Context, client *kube.Client) (*unstructured.Unstructured, error) {
	if s.Name == "" {
		all, err := s.List(ctx, client)
		if err != nil {
			return nil, err
		}
		if len(all) != 1 {
			return nil, &Unmet{Expected: "one of " + s.String(), Seen: append([]string{fmt.Sprintf("there are %d", len(all))}, summaries(all)...)}
		}
		return all[0], nil
	}
	resource, _, err := client.Resource(s.GroupVersionKind, s.Namespace)
	if err != nil {
		return nil, err
	}
	object, err := resource.Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, &Unmet{Expected: s.String(), Seen: []string{"there is none"}}
	}
	return object, err
}

// List returns all objects that are meant, by name.
func (s Selector) List(ctx context.Context, client *kube.Client) ([]*unstructured.Unstructured, error) {
	resource, _, err := client.Resource(s.GroupVersionKind, s.Namespace)
	if err != nil {
		return nil, err
	}
	options := metav1.ListOptions{LabelSelector: labels.SelectorFromSet(s.Labels).String()}
	if s.Name != "" {
		options.FieldSelector = "metadata.name=" + s.Name
	}
	list, err := resource.List(ctx, options)
	if err != nil {
		return nil, err
	}
	all := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		all[i] = &list.Items[i]
	}
	slices.SortFunc(all, func(a, b *unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all, nil
}

func summaries(objects []*unstructured.Unstructured) []string {
	const limit = 8
	var lines []string
	for i, object := range objects {
		if i == limit {
			return append(lines, fmt.Sprintf("and %d more", len(objects)-limit))
		}
		lines = append(lines, kube.Summary(object))
	}
	return lines
}
