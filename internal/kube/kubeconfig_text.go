package kube

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// render writes a kubeconfig in which at most the entries called name and the
// current context differ from what text holds. All else keeps its bytes,
// comments and order too, where text is laid out as kubectl or a person would
// (in blocks); where it is not, as in JSON, it is written anew.
func render(text []byte, config *clientcmdapi.Config, name string) ([]byte, error) {
	whole, err := clientcmd.Write(*config)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return whole, err
	}
	edited, ok := splice(text, whole, name)
	if !ok {
		return whole, nil
	}
	// NOTE: the edit knows lines, not YAML; what it means is seen here.
	got, err := clientcmd.Load(edited)
	if err != nil {
		return whole, nil //nolint:nilerr // then the other way
	}
	want, err := clientcmd.Load(whole)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(got, want) {
		return whole, nil
	}
	return edited, nil
}

// sections are the lists of a kubeconfig.
var sections = []string{"clusters", "contexts", "users"}

// splice takes the entries called name and the line of the current context
// from whole, and all other lines from text; ok is false where it cannot.
func splice(text, whole []byte, name string) (edited []byte, ok bool) {
	from, ok := layOut(whole)
	if !ok {
		return nil, false
	}
	for _, section := range sections {
		to, ok := layOut(text)
		if !ok {
			return nil, false
		}
		text = to.replace(section, name, from.entry(section, name))
	}
	to, ok := layOut(text)
	if !ok {
		return nil, false
	}
	return to.setCurrent(from.keys["current-context"]), true
}

// layout is the lines of a kubeconfig and what is on them.
type layout struct {
	lines []string // each with its end
	keys  map[string]block
	lists map[string][]block // entries, in order
}

// block is the lines [first, last) of a key or an entry, and its value where
// that is one word.
type block struct {
	first, last int
	indent      int // of an entry's dash
	name        string
	flow        bool // the value begins on the key's own line
	value       *ast.StringNode
}

func layOut(text []byte) (*layout, bool) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil || len(file.Docs) != 1 {
		return nil, false
	}
	root, ok := file.Docs[0].Body.(*ast.MappingNode)
	if !ok || root.IsFlowStyle {
		return nil, false
	}
	l := &layout{lines: strings.SplitAfter(string(text), "\n"), keys: map[string]block{}, lists: map[string][]block{}}
	if last := len(l.lines) - 1; l.lines[last] == "" {
		l.lines = l.lines[:last]
	} else {
		l.lines[last] += "\n"
	}
	for i, pair := range root.Values {
		key := block{first: pair.Key.GetToken().Position.Line - 1, last: len(l.lines)}
		if i+1 < len(root.Values) {
			key.last = root.Values[i+1].Key.GetToken().Position.Line - 1
		}
		key.last = l.withoutTrailer(key.first, key.last)
		key.value, _ = pair.Value.(*ast.StringNode)
		list, isList := pair.Value.(*ast.SequenceNode)
		key.flow = !isList || list.IsFlowStyle
		l.keys[pair.Key.String()] = key
		if key.flow {
			continue
		}
		for j, entry := range list.Entries {
			b := block{first: entry.Start.Position.Line - 1, last: key.last, indent: entry.Start.Position.Column - 1, name: nameOf(entry.Value)}
			if j+1 < len(list.Entries) {
				b.last = list.Entries[j+1].Start.Position.Line - 1
			}
			b.last = l.withoutTrailer(b.first, b.last)
			l.lists[pair.Key.String()] = append(l.lists[pair.Key.String()], b)
		}
	}
	return l, true
}

// withoutTrailer leaves out the comments and blank lines at the end of a
// block: they belong to what follows.
func (l *layout) withoutTrailer(first, last int) int {
	for last > first+1 {
		line := strings.TrimSpace(l.lines[last-1])
		if line != "" && line[0] != '#' {
			break
		}
		last--
	}
	return last
}

func nameOf(entry ast.Node) string {
	mapping, ok := entry.(*ast.MappingNode)
	if !ok {
		return ""
	}
	for _, pair := range mapping.Values {
		if value, ok := pair.Value.(*ast.StringNode); ok && pair.Key.String() == "name" {
			return value.Value
		}
	}
	return ""
}

// entry returns the lines of an entry, its dash at the margin; none where
// there is no such entry.
func (l *layout) entry(section, name string) []string {
	i := slices.IndexFunc(l.lists[section], func(b block) bool { return b.name == name })
	if i < 0 {
		return nil
	}
	b := l.lists[section][i]
	return l.lines[b.first:b.last]
}

// replace puts an entry in the place of the one with its name, or at the end
// of its section, which is made where it is missing. No lines remove it.
func (l *layout) replace(section, name string, entry []string) []byte {
	key, present := l.keys[section]
	entries := l.lists[section]
	at := slices.IndexFunc(entries, func(b block) bool { return b.name == name })
	if at < 0 && len(entry) == 0 {
		return l.bytes()
	}
	if len(entries) > 0 {
		margin := strings.Repeat(" ", entries[0].indent)
		for i := range entry {
			entry[i] = margin + entry[i]
		}
	}
	switch {
	case !present:
		l.set(len(l.lines), len(l.lines), append([]string{section + ":\n"}, entry...))
	case key.flow:
		l.set(key.first, key.last, append([]string{section + ":\n"}, entry...))
	case at < 0:
		l.set(key.last, key.last, entry)
	case len(entries) == 1 && len(entry) == 0:
		l.set(key.first, key.last, []string{section + ": []\n"})
	default:
		l.set(entries[at].first, entries[at].last, entry)
	}
	return l.bytes()
}

// setCurrent gives the current context the value that it has in another
// layout, and leaves the rest of its line alone.
func (l *layout) setCurrent(want block) []byte {
	value := ""
	if want.value != nil {
		value = want.value.Value
	}
	quote := ""
	if value == "" {
		quote = `"`
	}
	key, present := l.keys["current-context"]
	switch {
	case !present && value != "":
		l.lines = append(l.lines, "current-context: "+value+"\n")
	case present && key.value != nil && key.value.Value != value:
		before, after, _ := strings.Cut(l.lines[key.first], ":")
		old := strings.TrimSpace(key.value.Token.Origin)
		if c := old[:min(1, len(old))]; c == `"` || c == "'" {
			quote = c // or a name that was quoted would come back without
		}
		l.lines[key.first] = before + ":" + strings.Replace(after, old, quote+value+quote, 1)
	case present && key.value == nil && value != "":
		l.set(key.first, key.last, []string{"current-context: " + value + "\n"})
	}
	return l.bytes()
}

func (l *layout) set(first, last int, lines []string) {
	l.lines = slices.Concat(l.lines[:first], lines, l.lines[last:])
}

func (l *layout) bytes() []byte { return []byte(strings.Join(l.lines, "")) }
