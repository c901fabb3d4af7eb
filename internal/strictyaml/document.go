// Package strictyaml reads YAML files that people write by hand, and finds
// every fault in them at once: each with file, line, column, the line itself
// and a caret.
//
// It accepts a plain subset: one document, no anchors, aliases, merge keys or
// tags, bounded size and depth. So a file means what it looks like, and no
// file is a bomb. Any room may use it; it knows nothing of what the files say.
package strictyaml

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a file.
const (
	maxBytes = 256 << 10
	maxDepth = 32 // of flow collections; block collections: maxDepth*2 columns
)

// Document is one file under examination. It gathers faults: from parsing,
// from Decode, and from whoever judges the decoded value by Faultf.
type Document struct {
	name   string
	lines  []string
	root   ast.Node            // nil where nothing could be parsed
	nodes  map[string]ast.Node // by path: "steps[2].check[0].cel"
	faulty map[string]bool     // paths whose own value could not be decoded
	texts  []Text
	faults Faults
}

// Text is a string of the file and its path.
type Text struct{ Path, Value string }

// Parse reads data; name is what faults call the file. Faults are in the
// document, see Err.
func Parse(name string, data []byte) *Document {
	d := &Document{name: name, nodes: map[string]ast.Node{}, faulty: map[string]bool{}}
	if len(data) > maxBytes {
		d.add(1, 1, fmt.Sprintf("the file has more than %d bytes, which is all that is read of one", maxBytes))
		return d
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	d.lines = strings.Split(text, "\n")
	if !d.characters() {
		return d
	}
	d.parse(text)
	return d
}

// Err returns the faults found so far, as Faults in the order of the file, or
// nil.
func (d *Document) Err() error {
	if len(d.faults) == 0 {
		return nil
	}
	return d.faults.sorted()
}

// Texts returns every string value that Decode met, in no promised order.
func (d *Document) Texts() []Text { return d.texts }

// characters refuses what no editor shows: control characters could hide
// terminal escapes, and invalid UTF-8 has no columns.
func (d *Document) characters() bool {
	for i, line := range d.lines {
		column := 1
		for rest := line; rest != ""; column++ {
			r, size := utf8.DecodeRuneInString(rest)
			switch {
			case r == utf8.RuneError && size == 1:
				d.add(i+1, column, "not UTF-8; save the file as UTF-8")
				return false
			case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0:
				d.add(i+1, column, fmt.Sprintf("control character %U; remove it", r))
				return false
			}
			rest = rest[size:]
		}
	}
	return true
}

// parse fills root. A file that the YAML library cannot take has one fault.
func (d *Document) parse(text string) {
	defer func() {
		if p := recover(); p != nil { // the library panics on some broken input
			d.add(1, 1, "not YAML")
		}
	}()
	tokens := lexer.Tokenize(text)
	if !d.plain(tokens) {
		return
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return
	}
	var docs []*ast.DocumentNode
	for _, doc := range file.Docs {
		if doc.Body != nil {
			docs = append(docs, doc)
		}
	}
	switch len(docs) {
	case 0:
		d.add(1, 1, "the file is empty")
	case 1:
		d.root = docs[0].Body
	default:
		line, column := position(docs[1].Body)
		d.add(line, column, "a second document; a file holds one")
	}
}

// plain looks at the tokens before the parser, which is recursive, does.
func (d *Document) plain(tokens token.Tokens) bool {
	before := len(d.faults)
	if t := tooDeep(tokens); t != nil {
		d.add(t.Position.Line, t.Position.Column, "nested too deeply")
		return false
	}
	for _, t := range tokens {
		line, column := t.Position.Line, t.Position.Column
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			d.add(line, column, "anchors, aliases and merge keys are not read here; write the value out, or put it in quotes")
		case token.TagType:
			d.add(line, column, "tags are not read here; leave it out")
		case token.DirectiveType, token.MappingKeyType:
			d.add(line, column, fmt.Sprintf("%q is not read here; write plain \"key: value\"", t.Value))
		}
	}
	return len(d.faults) == before
}

// tooDeep returns the first token that is nested deeper than maxDepth, or nil.
func tooDeep(tokens token.Tokens) *token.Token {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			if depth == 0 && t.Position.Column > maxDepth*2 {
				return t
			}
		}
		if depth > maxDepth {
			return t
		}
	}
	return nil
}

func (d *Document) syntax(err error) {
	line, column, message := syntaxError(err)
	d.add(line, column, message)
}

// CheckEmbedded notes a fault where the string at path is not YAML. Such a
// string, a manifest as a rule, is judged by its syntax only: it may have
// several documents and whatever YAML has.
func (d *Document) CheckEmbedded(path, text string) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			d.Faultf(path, "not YAML")
			ok = false
		}
	}()
	tokens := lexer.Tokenize(text)
	if t := tooDeep(tokens); t != nil {
		d.FaultInside(path, t.Position.Line, t.Position.Column, "nested too deeply")
		return false
	}
	if _, err := parser.Parse(tokens, 0); err != nil {
		line, column, message := syntaxError(err)
		d.FaultInside(path, line, column, "%s", message)
		return false
	}
	return true
}

func syntaxError(err error) (line, column int, message string) {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
		return syntax.Token.Position.Line, max(1, syntax.Token.Position.Column), syntax.Message
	}
	return 1, 1, err.Error()
}

// position is where a node begins, as line and column from 1.
func position(node ast.Node) (line, column int) {
	switch n := node.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return position(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(n.Key)
	case *ast.LiteralNode:
		return n.Start.Position.Line, n.Start.Position.Column
	}
	t := node.GetToken()
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return t.Position.Line, max(1, t.Position.Column)
}
