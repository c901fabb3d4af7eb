package strictyaml

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Decode fills the struct that into points to, and notes a fault for each
// unknown or missing field and each value of a wrong type. What is at fault
// keeps its zero value.
//
// Fields are named by tags: `yaml:"name"`, `yaml:"name,required"`. A slice
// takes a single element for a list of one; an embedded struct's fields count
// as the struct's own. Durations are written as Go
// writes them ("90s"). Types that implement encoding.TextUnmarshaler read a
// string. Fields of type any take whatever stands there.
func (d *Document) Decode(into any) {
	if d.root == nil {
		return
	}
	d.value("", d.root, reflect.ValueOf(into).Elem())
}

// Has says whether the file has a value at this path that could be decoded: so
// there is something to judge, and no fault about it yet.
func (d *Document) Has(path string) bool {
	_, ok := d.nodes[path]
	return ok && !d.faulty[path]
}

var durationType = reflect.TypeFor[time.Duration]()

func (d *Document) value(path string, node ast.Node, v reflect.Value) {
	d.nodes[path] = node
	if v.Kind() == reflect.Pointer {
		if isNull(node) {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		d.value(path, node, v.Elem())
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if text, ok := d.text(path, node); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				d.Faultf(path, "%v", err)
				d.faulty[path] = true
			}
		}
		return
	}
	switch {
	case v.Type() == durationType:
		d.duration(path, node, v)
	case v.Kind() == reflect.Struct:
		d.structure(path, node, v)
	case v.Kind() == reflect.Slice:
		d.slice(path, node, v)
	case v.Kind() == reflect.Map:
		d.mapping(path, node, v)
	case v.Kind() == reflect.Interface:
		if free := d.free(path, node); free != nil {
			v.Set(reflect.ValueOf(free))
		}
	case v.Kind() == reflect.String:
		if text, ok := d.text(path, node); ok {
			v.SetString(text)
		}
	case v.Kind() == reflect.Bool:
		if b, ok := node.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.wrongType(path, node, "true or false")
		}
	case v.CanInt():
		n, err := strconv.ParseInt(scalarText(node), 10, v.Type().Bits())
		if _, ok := node.(*ast.IntegerNode); !ok || err != nil {
			d.wrongType(path, node, "a whole number")
			return
		}
		v.SetInt(n)
	default:
		panic(fmt.Sprintf("strictyaml: cannot decode into %s", v.Type()))
	}
}

func (d *Document) structure(path string, node ast.Node, v reflect.Value) {
	entries, ok := d.entries(path, node)
	if !ok {
		return
	}
	fields, names := fieldsOf(v.Type())
	for _, e := range entries {
		field, known := fields[e.key]
		if !known {
			line, column := position(e.keyNode)
			d.add(line, column, fmt.Sprintf("unknown field %q%s", e.key, DidYouMean(e.key, names)))
			d.faulty[path] = true
			continue
		}
		d.value(join(path, e.key), e.value, v.FieldByIndex(field.Index))
	}
	for _, name := range names {
		_, there := d.nodes[join(path, name)]
		if !there && strings.HasSuffix(fields[name].Tag.Get("yaml"), ",required") {
			d.Faultf(path, "%q is missing", name)
			d.faulty[path] = true
		}
	}
}

// fieldsOf returns a struct's fields by their names in a file, and the names
// in order. Fields of embedded structs count as its own.
func fieldsOf(t reflect.Type) (map[string]reflect.StructField, []string) {
	fields := map[string]reflect.StructField{}
	var names []string
	for _, field := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); name != "" {
			fields[name] = field
			names = append(names, name)
		}
	}
	return fields, names
}

func (d *Document) slice(path string, node ast.Node, v reflect.Value) {
	items := []ast.Node{node}
	if sequence, ok := node.(*ast.SequenceNode); ok {
		items = sequence.Values
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		d.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

func (d *Document) mapping(path string, node ast.Node, v reflect.Value) {
	entries, ok := d.entries(path, node)
	if !ok {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range entries {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(join(path, e.key), e.value, element)
		v.SetMapIndex(reflect.ValueOf(e.key), element)
	}
}

// free decodes a value that has no type of ours, as JSON has them.
func (d *Document) free(path string, node ast.Node) any {
	d.nodes[path] = node
	switch n := node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		entries, _ := d.entries(path, node)
		object := map[string]any{}
		for _, e := range entries {
			object[e.key] = d.free(join(path, e.key), e.value)
		}
		return object
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, item := range n.Values {
			list[i] = d.free(fmt.Sprintf("%s[%d]", path, i), item)
		}
		return list
	case *ast.BoolNode:
		return n.Value
	case *ast.FloatNode:
		return n.Value
	case *ast.NullNode:
		return nil
	case *ast.IntegerNode:
		number, err := strconv.ParseInt(n.Token.Value, 10, 64)
		if err != nil {
			d.wrongType(path, node, "a whole decimal number of 64 bits")
		}
		return number
	}
	text, _ := d.text(path, node)
	return text
}

func (d *Document) duration(path string, node ast.Node, v reflect.Value) {
	duration, err := time.ParseDuration(scalarText(node))
	if err != nil || duration <= 0 {
		d.wrongType(path, node, `a duration such as "30s" or "2m"`)
		return
	}
	v.SetInt(int64(duration))
}

// text returns the string at a node.
func (d *Document) text(path string, node ast.Node) (string, bool) {
	var text string
	switch n := node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	default:
		d.wrongType(path, node, "a text")
		return "", false
	}
	for _, r := range text { // an escape such as "\e" makes what characters() refused
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			d.Faultf(path, "the text holds the control character %U; remove it", r)
			return "", false
		}
	}
	d.texts = append(d.texts, Text{path, text})
	return text, true
}

type entry struct {
	key     string
	keyNode ast.Node
	value   ast.Node
}

// entries lists a mapping and notes keys that stand twice.
func (d *Document) entries(path string, node ast.Node) ([]entry, bool) {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		d.wrongType(path, node, "fields")
		return nil, false
	}
	seen := map[string]bool{}
	var entries []entry
	for _, v := range values {
		key := scalarText(v.Key)
		if seen[key] {
			line, column := position(v.Key)
			d.add(line, column, fmt.Sprintf("%q stands here twice; keep one", key))
			continue
		}
		seen[key] = true
		entries = append(entries, entry{key, v.Key, v.Value})
	}
	return entries, true
}

func (d *Document) wrongType(path string, node ast.Node, want string) {
	hint := ""
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if want == "a text" {
			hint = "; put it in quotes"
		}
	}
	d.Faultf(path, "want %s, found %s%s", want, found(node), hint)
	d.faulty[path] = true
}

// found says in a person's words what stands at a node.
func found(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "fields"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	}
	return strconv.Quote(scalarText(node))
}

func scalarText(node ast.Node) string {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		return ""
	}
	if t := node.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

func isNull(node ast.Node) bool {
	_, null := node.(*ast.NullNode)
	return null
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
