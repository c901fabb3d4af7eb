package strictyaml

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// JSONSchema is the JSON Schema (2020-12) of what encoding/json writes of a T: from
// the same types and tags, as Schema. What is always written is required, and what
// is not known here is allowed: fields are only added.
func JSONSchema[T any](comments Comments) map[string]any {
	s := jsonSchemas{schemas{definitions: map[string]any{}, comments: comments}}
	schema := s.of(reflect.TypeFor[T]())
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$ref":    schema["$ref"],
		"$defs":   s.definitions,
	}
}

// jsonSchemas collects one definition for each struct, by its name and package: two
// packages may have one name.
type jsonSchemas struct{ schemas }

func (s jsonSchemas) of(t reflect.Type) map[string]any {
	if words, ok := reflect.New(t).Interface().(interface{ Values() []string }); ok && t.Kind() == reflect.String {
		return map[string]any{"type": "string", "enum": words.Values()}
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		return s.structure(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Interface:
		return map[string]any{}
	default:
		return map[string]any{"type": "integer"}
	}
}

func (s jsonSchemas) structure(t reflect.Type) map[string]any {
	ref := map[string]any{"$ref": definitionPrefix + t.String()}
	if _, known := s.definitions[t.String()]; known {
		return ref
	}
	s.definitions[t.String()] = nil // known from here on, for types that hold themselves
	properties, required := map[string]any{}, []string{}
	for _, field := range reflect.VisibleFields(t) {
		words := strings.Split(field.Tag.Get("json"), ",")
		if words[0] == "" || words[0] == "-" {
			continue
		}
		property := s.of(field.Type)
		if !slices.Contains(words, "omitempty") && !slices.Contains(words, "omitzero") {
			required = append(required, words[0])
			if kind := field.Type.Kind(); kind == reflect.Slice || kind == reflect.Map || kind == reflect.Pointer {
				property = map[string]any{"anyOf": []any{property, map[string]any{"type": "null"}}}
			}
		}
		if said := s.comments.of(t, field); said != "" {
			property["description"] = said
		}
		properties[words[0]] = property
	}
	definition := map[string]any{"type": "object", "properties": properties, "required": required}
	if said := s.comments[t.Name()]; said != "" {
		definition["description"] = said
	}
	s.definitions[t.String()] = definition
	return ref
}
