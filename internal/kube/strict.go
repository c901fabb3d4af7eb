package kube

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
)

// UnknownField is a field that an object's kind does not have.
type UnknownField struct {
	Path  string   // "spec.template.spec.containers[0].imag"
	Name  string   // its last part
	Known []string // the fields that there are at its place, sorted
}

// UnknownFields are the fields of an object that its kind does not have. Of kinds
// that are not Kubernetes' own nothing is known. A value of another type than its
// field's is not judged, nor what is in it.
func UnknownFields(object *unstructured.Unstructured) []UnknownField {
	typed, err := scheme.Scheme.New(object.GroupVersionKind())
	if err != nil {
		return nil
	}
	return unknownFields(object.Object, reflect.TypeOf(typed), "")
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func unknownFields(value any, t reflect.Type, path string) (unknown []UnknownField) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return nil // a time, a quantity: it reads itself
	}
	switch v := value.(type) {
	case map[string]any:
		var fields map[string]reflect.Type
		if t.Kind() == reflect.Struct {
			fields = jsonFields(t)
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			switch field, known := fields[name]; {
			case known:
				unknown = append(unknown, unknownFields(v[name], field, at)...)
			case t.Kind() == reflect.Struct:
				unknown = append(unknown, UnknownField{at, name, slices.Sorted(maps.Keys(fields))})
			case t.Kind() == reflect.Map:
				unknown = append(unknown, unknownFields(v[name], t.Elem(), at)...)
			}
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return nil
		}
		for i, element := range v {
			unknown = append(unknown, unknownFields(element, t.Elem(), fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return unknown
}

// jsonFields are the fields of a struct by their names in JSON, with those of what
// is embedded in it.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "" && field.Anonymous:
			embedded := field.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			maps.Copy(fields, jsonFields(embedded))
		case name != "" && name != "-":
			fields[name] = field.Type
		}
	}
	return fields
}
