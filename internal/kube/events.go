package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Event is what the cluster recorded about an object. Its texts are raw text
// of the cluster; escape them before they are printed.
type Event struct {
	Time    time.Time
	Type    string // Normal or Warning
	Reason  string
	Kind    string
	Name    string
	Message string
	Count   int32
}

// String is one line: "Warning Failed Pod web-1: no such image (x3)".
func (e Event) String() string {
	text := fmt.Sprintf("%s %s %s %s: %s", e.Type, e.Reason, e.Kind, e.Name, e.Message)
	if e.Count > 1 {
		text += fmt.Sprintf(" (x%d)", e.Count)
	}
	return text
}

// About says whether the event is about an object of this kind and name, or
// one that a controller named after it ("web-5d9c-x2x7q" after "web"). Empty
// matches any.
func (e Event) About(kind, name string) bool {
	return (kind == "" || e.Kind == kind) && (name == "" || e.Name == name || strings.HasPrefix(e.Name, name+"-"))
}

// Events returns what was recorded in a namespace, oldest first.
func (c *Client) Events(ctx context.Context, namespace string) ([]Event, error) {
	list, err := c.Typed.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("events of namespace %q: %w", namespace, err)
	}
	events := make([]Event, len(list.Items))
	for i := range list.Items {
		events[i] = event(&list.Items[i])
	}
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return events, nil
}

func event(e *corev1.Event) Event {
	at, count := e.LastTimestamp.Time, e.Count
	if e.Series != nil {
		at, count = e.Series.LastObservedTime.Time, e.Series.Count
	}
	if at.IsZero() {
		at = e.EventTime.Time
	}
	if at.IsZero() {
		at = e.CreationTimestamp.Time
	}
	return Event{
		Time: at, Type: e.Type, Reason: e.Reason, Message: e.Message, Count: count,
		Kind: e.InvolvedObject.Kind, Name: e.InvolvedObject.Name,
	}
}
