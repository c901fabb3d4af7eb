package check

import (
	"context"
	"fmt"
	"strings"

	"axolotl/internal/kube"
)

// Event holds where the cluster has recorded an event as described. Empty
// fields match any.
type Event struct {
	Client    *kube.Client
	Namespace string
	Kind      string // of the object it is about
	Name      string // of the object; names that pods got from this one match too
	Reason    string
	Contains  string // in its message
}

// String implements Condition.
func (e Event) String() string {
	text := "an event"
	if e.Reason != "" {
		text += " " + e.Reason
	}
	if e.Kind+e.Name != "" {
		text += " about " + strings.TrimSpace(e.Kind+" "+e.Name)
	}
	if e.Contains != "" {
		text += fmt.Sprintf(" that says %q", e.Contains)
	}
	return text
}

// Check implements Condition.
func (e Event) Check(ctx context.Context) error {
	events, err := e.Client.Events(ctx, e.Namespace)
	if err != nil {
		return err
	}
	var seen []string
	for _, event := range events {
		about := event.About(e.Kind, e.Name)
		if about && (e.Reason == "" || event.Reason == e.Reason) && strings.Contains(event.Message, e.Contains) {
			return nil
		}
		if about {
			seen = append(seen, event.String())
		}
	}
	if len(seen) > 5 {
		seen = seen[len(seen)-5:]
	}
	return &Unmet{Expected: e.String(), Seen: append([]string{"there is none"}, seen...)}
}
