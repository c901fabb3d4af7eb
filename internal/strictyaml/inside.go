package strictyaml

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// FaultInside notes a fault at a place within the string at path: line and
// column count from 1 in the string's value, columns in characters. Where
// that place cannot be told (a folded or escaped string), the fault is at the
// string's beginning.
func (d *Document) FaultInside(path string, line, column int, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if fileLine, fileColumn, ok := d.inside(d.nodes[path], line, column); ok {
		d.add(fileLine, fileColumn, message)
		return
	}
	d.Faultf(path, "%s", message)
}

// FaultAtOffset is FaultInside with a byte offset into the value.
func (d *Document) FaultAtOffset(path, value string, offset int, format string, args ...any) {
	before := value[:min(offset, len(value))]
	line := strings.Count(before, "\n")
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	d.FaultInside(path, line+1, column+1, format, args...)
}

func (d *Document) inside(node ast.Node, line, column int) (int, int, bool) {
	switch n := node.(type) {
	case *ast.LiteralNode:
		if n.Start.Type != token.LiteralType {
			return 0, 0, false // folded
		}
		first := n.Start.Position.Line + 1
		indent, ok := d.indentFrom(first)
		if !ok || first+line-1 > len(d.lines) {
			return 0, 0, false
		}
		return first + line - 1, indent + column, true
	case *ast.StringNode:
		t := n.Token
		start := t.Position.Column
		if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType {
			start++
		}
		if line != 1 || t.Position.Line > len(d.lines) {
			return 0, 0, false
		}
		source := []rune(d.lines[t.Position.Line-1])
		if start-1 > len(source) || !strings.HasPrefix(string(source[start-1:]), n.Value) {
			return 0, 0, false // escaped, or it goes on in the next line
		}
		return t.Position.Line, start + column - 1, true
	}
	return 0, 0, false
}

// indentFrom is the indentation of the first line from here that is not blank.
func (d *Document) indentFrom(line int) (int, bool) {
	for ; line <= len(d.lines); line++ {
		text := d.lines[line-1]
		if trimmed := strings.TrimLeft(text, " "); trimmed != "" {
			return len(text) - len(trimmed), true
		}
	}
	return 0, false
}
