package strictyaml

import (
	"maps"
	"slices"
	"strings"
)

// OpenAPI is Schema as a CustomResourceDefinition takes it: each definition in
// its place, lists as lists only, and no word on fields that are unknown, which
// the API server refuses or drops by itself. Fields of T that are named in
// without are left out.
func OpenAPI[T any](comments Comments, without ...string) map[string]any {
	schema := Schema[T](comments)
	definitions := schema["$defs"].(map[string]any)
	name := strings.TrimPrefix(schema["$ref"].(string), definitionPrefix)
	top := maps.Clone(definitions[name].(map[string]any))
	properties := maps.Clone(top["properties"].(map[string]any))
	for _, field := range without {
		delete(properties, field)
	}
	top["properties"] = properties
	top["required"] = slices.DeleteFunc(slices.Clone(top["required"].([]string)), func(f string) bool { return slices.Contains(without, f) })
	return structural(top, definitions)
}

const definitionPrefix = "#/$defs/"

// structural puts definitions into their places.
func structural(schema, definitions map[string]any) map[string]any {
	out := map[string]any{}
	if len(schema) == 0 {
		out["x-kubernetes-preserve-unknown-fields"] = true
	}
	for key, value := range schema {
		switch key {
		case "$ref":
			name := strings.TrimPrefix(value.(string), definitionPrefix)
			maps.Copy(out, structural(definitions[name].(map[string]any), definitions))
		case "anyOf": // one, or a list of them
			maps.Copy(out, structural(value.([]any)[1].(map[string]any), definitions))
		case "properties":
			properties := map[string]any{}
			for name, property := range value.(map[string]any) {
				properties[name] = structural(property.(map[string]any), definitions)
			}
			out[key] = properties
		case "items":
			out[key] = structural(value.(map[string]any), definitions)
		case "additionalProperties":
			if inner, ok := value.(map[string]any); ok {
				out[key] = structural(inner, definitions)
			}
		case "required":
			if required := value.([]string); len(required) > 0 {
				out[key] = required
			}
		default:
			out[key] = value
		}
	}
	if said, ok := schema["description"]; ok { // of the field, which says more than that of its type
		out["description"] = said
	}
	return out
}
