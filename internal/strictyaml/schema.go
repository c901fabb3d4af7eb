package strictyaml

import (
	"encoding"
	"maps"
	"reflect"
	"strings"
)

// Schema is the JSON Schema (2020-12) of the files that Decode reads into a T:
// from the same types and tags, so that it cannot say anything else. Types with
// a method Values() []string may take one of these only. The comments are what
// an editor shows of a field; none is nil.
func Schema[T any](comments Comments) map[string]any {
	s := schemas{definitions: map[string]any{}, comments: comments}
	schema := s.of(reflect.TypeFor[T]())
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$ref":    schema["$ref"],
		"$defs":   s.definitions,
	}
}

// schemas collects one definition for each struct.
type schemas struct {
	definitions map[string]any
	comments    Comments
}

func (s schemas) of(t reflect.Type) map[string]any {
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem())
	}
	if words, ok := reflect.New(t).Interface().(interface{ Values() []string }); ok {
		return map[string]any{"type": "string", "enum": words.Values()}
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return map[string]any{"type": "string"}
	}
	switch {
	case t == durationType:
		return map[string]any{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$`}
	case t.Kind() == reflect.Struct:
		return s.structure(t)
	case t.Kind() == reflect.Slice: // Decode takes a single element for a list of one
		item := s.of(t.Elem())
		return map[string]any{"anyOf": []any{item, map[string]any{"type": "array", "items": item}}}
	case t.Kind() == reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case t.Kind() == reflect.String:
		return map[string]any{"type": "string"}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.Interface:
		return map[string]any{}
	default:
		return map[string]any{"type": "integer"}
	}
}

func (s schemas) structure(t reflect.Type) map[string]any {
	ref := map[string]any{"$ref": definitionPrefix + titleOf(t)}
	if _, known := s.definitions[titleOf(t)]; known {
		return ref
	}
	s.definitions[titleOf(t)] = nil // known from here on, for types that hold themselves
	fields, names := fieldsOf(t)
	properties, required := map[string]any{}, []string{}
	for _, name := range names {
		property := s.of(fields[name].Type)
		if said := s.comments.of(t, fields[name]); said != "" {
			property = maps.Clone(property)
			property["description"] = said
		}
		properties[name] = property
		if strings.HasSuffix(fields[name].Tag.Get("yaml"), ",required") {
			required = append(required, name)
		}
	}
	definition := map[string]any{
		"type": "object", "properties": properties, "required": required, "additionalProperties": false,
	}
	if said := s.comments[t.Name()]; said != "" {
		definition["description"] = said
	}
	s.definitions[titleOf(t)] = definition
	return ref
}
