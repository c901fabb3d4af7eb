package fault

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/vm"
)

// config is what the faults on ConfigMaps and Secrets have in common.
type config struct{ kind string }

// Effect implements Fault. What runs has read it already.
func (c config) Effect() Effect { return Effect{On: c.kind, Takes: TakesNothing} }

// Available implements Fault.
func (config) Available(context.Context, *vm.Handle) error { return nil }

func (c config) name(verb string) string { return strings.ToLower(c.kind) + "-" + verb }

// ConfigAlteration changes a value in ConfigMaps or Secrets that pods use.
type ConfigAlteration struct {
	config `yaml:",inline"`
	Key    string `json:"key,omitempty" yaml:"key"` // whose value is changed; empty: the first by name
	Value  string `json:"value" yaml:"value"`       // what is set
}

// priorKey is the key of the entry that is changed; its value is priorValue,
// as it stands in the object: a Secret's is encoded.
const priorKey = "key"

// Name implements Fault.
func (f *ConfigAlteration) Name() string { return f.name("alteration") }

// Doc implements Fault.
func (f *ConfigAlteration) Doc() Doc {
	return Doc{
		Does:   fmt.Sprintf("changes a value of a %s that the target's pods use", f.kind),
		Needs:  fmt.Sprintf("pods that use a %s that is not immutable", f.kind),
		Proved: "it has the changed value when it is read again",
		Undone: "the value that was is set again, unless somebody else has set one; read again as proof",
	}
}

// Prepare implements Fault.
func (f *ConfigAlteration) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		object, err := read(ctx, h, t)
		if err != nil {
			return nil, err
		}
		if immutable, _, _ := unstructured.NestedBool(object.Object, "immutable"); immutable {
			return nil, errors.New("it is immutable; choose another one, or delete it")
		}
		data, _, err := unstructured.NestedStringMap(object.Object, "data")
		if err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(data)) {
			if key == f.Key || f.Key == "" {
				return map[string]string{priorKey: key, priorValue: data[key]}, nil
			}
		}
		return nil, fmt.Errorf("it has no key %q", f.Key)
	})
}

// value is what is set, in the form in which it stands in the object.
func (f *ConfigAlteration) value() string {
	if f.kind == OnSecrets {
		return base64.StdEncoding.EncodeToString([]byte(f.Value))
	}
	return f.Value
}

// setValue is a patch that sets a value.
const setValue = `{"data":{%s:%s}}`

// Inject implements Fault.
func (f *ConfigAlteration) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "alter", func(o Object) error {
		return merge(ctx, h, o.Target, types.MergePatchType, setValue, o.Prior[priorKey], f.value())
	})
}

// altered tells whether the key has the fault's value.
func (f *ConfigAlteration) altered(o Object, object *unstructured.Unstructured) bool {
	value, there, _ := unstructured.NestedString(object.Object, "data", o.Prior[priorKey])
	return there && value == f.value()
}

// Injected implements Fault. A Secret's value is not told.
func (f *ConfigAlteration) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachRead(ctx, h, objects, func(o Object, object *unstructured.Unstructured) (string, error) {
		key := o.Prior[priorKey]
		if !f.altered(o, object) {
			return "", fmt.Errorf("key %s of %s has not the altered value", key, o)
		}
		return fmt.Sprintf("key %s of %s %s has the altered value", key, strings.ToLower(o.Kind), o.Name), nil
	})
}

// Undo implements Fault.
func (f *ConfigAlteration) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "restore", func(o Object) error {
		ours := func(object *unstructured.Unstructured) bool { return f.altered(o, object) }
		return restore(ctx, h, o.Target, ours, types.MergePatchType, setValue, o.Prior[priorKey], o.Prior[priorValue])
	})
}

// Undone implements Fault.
func (f *ConfigAlteration) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachRead(ctx, h, objects, func(o Object, object *unstructured.Unstructured) (string, error) {
		key, before := o.Prior[priorKey], o.Prior[priorValue]
		now, _, err := unstructured.NestedString(object.Object, "data", key)
		if err == nil && f.altered(o, object) && now != before {
			return "", fmt.Errorf("key %s of %s still has the altered value", key, o)
		}
		return fmt.Sprintf("key %s of %s %s has a value %s", key, strings.ToLower(o.Kind), o.Name, since(now, before)), err
	})
}
