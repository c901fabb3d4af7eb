package check

import (
	"context"
	"errors"

	"axolotl/internal/kube"
)

// Object holds where the one selected object exists and, where there is an
// expression, that is true of it. The expression knows the object as "object".
type Object struct {
	Client     *kube.Client
	Selector   Selector
	Expression *Expression
	Variables  map[string]any
}

// String implements Condition.
func (o Object) String() string {
	if o.Expression == nil {
		return o.Selector.String() + " exists"
	}
	return o.Selector.String() + ": " + o.Expression.String()
}

// Check implements Condition.
func (o Object) Check(ctx context.Context) error {
	object, err := o.Selector.Get(ctx, o.Client)
	if err != nil || o.Expression == nil {
		return err
	}
	err = o.Expression.Holds(ctx, with(o.Variables, "object", object.Object))
	var unmet *Unmet
	if errors.As(err, &unmet) {
		unmet.Seen = append(unmet.Seen, kube.Summary(object))
	}
	return err
}

// List holds where its expression is true of the list of selected objects,
// which it knows as "objects", by name. An empty list is a list.
type List struct {
	Client     *kube.Client
	Selector   Selector
	Expression *Expression
	Variables  map[string]any
}

// String implements Condition.
func (l List) String() string { return l.Selector.String() + ": " + l.Expression.String() }

// Check implements Condition.
func (l List) Check(ctx context.Context) error {
	objects, err := l.Selector.List(ctx, l.Client)
	if err != nil {
		return err
	}
	list := make([]any, len(objects))
	for i := range objects {
		list[i] = objects[i].Object
	}
	err = l.Expression.Holds(ctx, with(l.Variables, "objects", list))
	var unmet *Unmet
	if errors.As(err, &unmet) {
		if len(objects) == 0 {
			unmet.Seen = append(unmet.Seen, "there are no "+l.Selector.String())
		}
		unmet.Seen = append(unmet.Seen, summaries(objects)...)
	}
	return err
}

func with(variables map[string]any, more ...any) map[string]any {
	all := map[string]any{}
	for name, value := range variables {
		all[name] = value
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i].(string)] = more[i+1]
	}
	return all
}
