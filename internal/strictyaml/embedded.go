package strictyaml

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// FaultInEmbedded notes a fault at a field of an object in the string at path,
// which CheckEmbedded has passed: the field's own path is like
// "spec.containers[0].name", and the object is the nth that is not empty, from 0.
// Where the field is not found, the fault is at the string's beginning.
func (d *Document) FaultInEmbedded(path, text string, n int, field, format string, args ...any) {
	line, column := 1, 1
	if at := embeddedField(text, n, field); at != nil {
		line, column = position(at)
	}
	d.FaultInside(path, line, column, "%s", fmt.Sprintf(format, args...))
}

var fieldSteps = regexp.MustCompile(`\[(\d+)\]|[^.\[\]]+`)

// embeddedField is the key of a field, nil where there is none of that path.
func embeddedField(text string, n int, field string) ast.Node {
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		return nil
	}
	var node ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.NullType {
			continue
		}
		if n == 0 {
			node = doc.Body
		}
		n--
	}
	var key ast.Node
	for _, step := range fieldSteps.FindAllString(field, -1) {
		if index, ok := strings.CutPrefix(step, "["); ok {
			sequence, isList := node.(*ast.SequenceNode)
			var i int
			if _, err := fmt.Sscanf(index, "%d", &i); err != nil || !isList || i >= len(sequence.Values) {
				return nil
			}
			node = sequence.Values[i]
			continue
		}
		if key, node = member(node, step); key == nil {
			return nil
		}
	}
	return key
}

// member is a mapping's key of a name, and its value.
func member(node ast.Node, name string) (key, value ast.Node) {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return nil, nil
	}
	for entries := mapping.MapRange(); entries.Next(); {
		if token := entries.Key().GetToken(); token != nil && token.Value == name {
			return entries.Key(), entries.Value()
		}
	}
	return nil, nil
}
