package strictyaml

import "reflect"

// Field is a field of a file, by its name there, and what it holds now.
type Field struct {
	Name  string
	Value any
	Said  string // what the sources say of it
}

// Fields are those that Decode reads into the struct that into points to, in order.
func Fields(into any, comments Comments) []Field {
	v := reflect.ValueOf(into).Elem()
	fields, names := fieldsOf(v.Type())
	var all []Field
	for _, name := range names {
		field := fields[name]
		all = append(all, Field{name, v.FieldByIndex(field.Index).Interface(), comments.of(v.Type(), field)})
	}
	return all
}
