package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"axolotl/internal/term"
)

// Fault is one thing that is wrong with a file. Line and Column count from 1,
// columns in characters.
type Fault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Excerpt string `json:"excerpt,omitempty"` // the line, and a caret below it
}

// Error is "file:line:column: message" and the excerpt.
func (f Fault) Error() string {
	text := fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
	if f.Excerpt != "" {
		text += "\n" + f.Excerpt
	}
	return text
}

// Faults are all that is wrong with a file, in its order. It is never empty
// where it is an error.
type Faults []Fault

// Error lists every fault.
func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i := range f {
		texts[i] = f[i].Error()
	}
	return strings.Join(texts, "\n")
}

func (f Faults) sorted() Faults {
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return sorted
}

// Faultf notes a fault at the value of a path, or at its nearest parent where
// the path itself is not in the file.
func (d *Document) Faultf(path, format string, args ...any) {
	line, column := 1, 1
	if node := d.nearest(path); node != nil {
		line, column = position(node)
	}
	d.add(line, column, fmt.Sprintf(format, args...))
}

func (d *Document) add(line, column int, message string) {
	d.faults = append(d.faults, Fault{
		File: d.name, Line: line, Column: column,
		Message: term.Escape(message), Excerpt: d.excerpt(line, column),
	})
}

// excerpt shows a line and a caret. A long line is cut to what surrounds the
// caret.
func (d *Document) excerpt(line, column int) string {
	const before, after = 60, 30
	if line < 1 || line > len(d.lines) || strings.TrimSpace(d.lines[line-1]) == "" {
		return ""
	}
	text := []rune(strings.ReplaceAll(d.lines[line-1], "\t", " "))
	at := min(max(column-1, 0), len(text))
	lead, tail := "", ""
	if len(text) > before+after {
		if from := at - before; from > 0 {
			text, at, lead = text[from:], before, "…"
		}
		if len(text) > before+after {
			text, tail = text[:before+after], "…"
		}
	}
	margin := fmt.Sprintf("%5d | ", line)
	caret := strings.Repeat(" ", len(margin)-2) + "| " + strings.Repeat(" ", at+len([]rune(lead))) + "^"
	return margin + lead + term.Escape(string(text)) + tail + "\n" + caret
}

// nearest returns the node at a path, or at the longest of its parents that
// exists.
func (d *Document) nearest(path string) ast.Node {
	for {
		if node, ok := d.nodes[path]; ok {
			return node
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return d.root
		}
		path = path[:i]
	}
}
