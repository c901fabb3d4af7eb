package strictyaml

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Comments are what the sources say of the types that files are decoded into,
// by "Type" and "Type.Field", each on one line. Package gocomments reads them.
type Comments map[string]string

// ParseComments reads comments that were generated, and that a test reads.
func ParseComments(data []byte) Comments {
	var all Comments
	if err := json.Unmarshal(data, &all); err != nil {
		panic(err)
	}
	return all
}

// titleOf is what a reader knows a struct by: "targetFile", a target as it is
// in a file, is a Target.
func titleOf(t reflect.Type) string {
	name := t.Name()
	if short := strings.TrimSuffix(name, "File"); short != "" {
		name = short
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// of is what is said of a field, also of one that an embedded struct lends.
func (c Comments) of(t reflect.Type, field reflect.StructField) string {
	for _, i := range field.Index[:len(field.Index)-1] {
		t = t.Field(i).Type
	}
	return c[t.Name()+"."+field.Name]
}

// Reference is a Markdown text on the files that Decode reads into a T, from
// the same types and tags: a section for each struct, in the order in which a
// reader meets them.
func Reference[T any](comments Comments) string {
	var b strings.Builder
	pending := []reflect.Type{reflect.TypeFor[T]()}
	seen := map[reflect.Type]bool{pending[0]: true}
	for len(pending) > 0 {
		t := pending[0]
		pending = pending[1:]
		fmt.Fprintf(&b, "## %s\n\n", titleOf(t))
		if said := comments[t.Name()]; said != "" {
			fmt.Fprintf(&b, "%s\n\n", said)
		}
		fields, names := fieldsOf(t)
		for _, name := range names {
			field := fields[name]
			kind, inner := describe(field.Type)
			if strings.HasSuffix(field.Tag.Get("yaml"), ",required") {
				kind += ", required"
			}
			line := fmt.Sprintf("- `%s` (%s)", name, kind)
			if said := comments.of(t, field); said != "" {
				line += ": " + said
			}
			b.WriteString(line + "\n")
			if inner != nil && !seen[inner] {
				seen[inner] = true
				pending = append(pending, inner)
			}
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// describe says what a value is in a reader's words, and returns the struct
// that has a section of its own.
func describe(t reflect.Type) (string, reflect.Type) {
	if t.Kind() == reflect.Pointer {
		return describe(t.Elem())
	}
	if words, ok := reflect.New(t).Interface().(interface{ Values() []string }); ok {
		return strings.Join(words.Values(), " | "), nil
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "text", nil
	}
	switch {
	case t == durationType:
		return "duration such as 90s", nil
	case t.Kind() == reflect.Struct:
		return titleOf(t), t
	case t.Kind() == reflect.Slice:
		item, inner := describe(t.Elem())
		return "one or a list of " + item, inner
	case t.Kind() == reflect.Map:
		value, inner := describe(t.Elem())
		return "names, each with " + value, inner
	case t.Kind() == reflect.String:
		return "text", nil
	case t.Kind() == reflect.Bool:
		return "true or false", nil
	case t.Kind() == reflect.Interface:
		return "anything", nil
	default:
		return "number", nil
	}
}
