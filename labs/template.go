package labs

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// Variables stand in texts and manifests as "{{ name }}"; "\{{" is two braces.
// In CEL they are "vars.name". An unknown one is a fault of the file.
var (
	placeholder  = regexp.MustCompile(`\\?\{\{[^{}\n]*(?:\}\})?`)
	variableName = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,30}$`)
)

// The variables that every lab has: its own namespace, the cluster's name, and
// the path of a kubeconfig of its own.
const (
	namespaceVariable  = "namespace"
	clusterVariable    = "cluster"
	kubeconfigVariable = "kubeconfig"
)

var ownVariables = []string{namespaceVariable, clusterVariable, kubeconfigVariable}

// names tells whether the lab's file has a variable in any of its texts.
func (l *Lab) names(variable string) bool {
	for _, found := range placeholder.FindAllString(l.source, -1) {
		if strings.TrimSpace(strings.Trim(found, "{}")) == variable {
			return true
		}
	}
	return false
}

// manifestsVariable stands in what a step says for the manifests that it
// applies, so that they are written once.
const manifestsVariable = "manifests"

// commandsVariable stands there for the kubectl commands that it types.
const commandsVariable = "commands"

// sayWith is what a step says, with the values of a run or of a preview.
func (s *Step) sayWith(language Language, value func(name string, offset int) (string, error)) (string, error) {
	return expand(s.Say.In(language), func(name string, offset int) (string, error) {
		switch name {
		case manifestsVariable:
			return s.shown("yaml", "\n---\n", func(a Action) string { return a.Apply }, value)
		case commandsVariable:
			return s.shown("sh", "\n", func(a Action) string { return a.Kubectl }, value)
		}
		return value(name, offset)
	})
}

// shown is one block of what the actions of a step say in their files' words.
func (s *Step) shown(language, between string, of func(Action) string, value func(string, int) (string, error)) (string, error) {
	var all []string
	for _, action := range s.Do {
		if of(action) != "" {
			text, err := expand(strings.TrimSpace(of(action)), value)
			if err != nil {
				return "", err
			}
			all = append(all, text)
		}
	}
	return "```" + language + "\n" + strings.Join(all, between) + "\n```", nil
}

// expand replaces the placeholders of a text. Where value knows no such
// variable, or its value is no text, the placeholder stays and the first such
// is the error.
func expand(text string, value func(name string, offset int) (string, error)) (string, error) {
	var b strings.Builder
	var first error
	last := 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		b.WriteString(text[last:at[0]])
		last = at[1]
		found := text[at[0]:at[1]]
		if escaped, ok := strings.CutPrefix(found, `\`); ok {
			b.WriteString(escaped)
			continue
		}
		name, closed := strings.CutSuffix(strings.TrimPrefix(found, "{{"), "}}")
		var replacement string
		err := fmt.Errorf(`%q has no end; write "{{ name }}", or "\{{" for the braces themselves`, strings.TrimSpace(found))
		if closed {
			replacement, err = value(strings.TrimSpace(name), at[0])
		}
		if err != nil {
			replacement = found
			if first == nil {
				first = err
			}
		}
		b.WriteString(replacement)
	}
	b.WriteString(text[last:])
	return b.String(), first
}

// expandWith expands a text with the values of a run.
func expandWith(text string, variables map[string]any) (string, error) {
	return expand(text, valueIn(variables))
}

// valueIn looks a placeholder up in the values of a run.
func valueIn(variables map[string]any) func(name string, offset int) (string, error) {
	return func(name string, _ int) (string, error) {
		value, known := variables[name]
		if !known {
			return "", fmt.Errorf("no variable %q is set yet", name)
		}
		switch v := value.(type) {
		case string:
			return v, nil
		case bool, int64, float64:
			return fmt.Sprint(v), nil
		}
		return "", fmt.Errorf("variable %q holds a list or an object, not a text; use it in CEL, as vars.%s", name, name)
	}
}

// expandAll returns a copy of value in which every string is expanded, map
// values too; keys and unexported fields stay.
func expandAll[T any](value T, variables map[string]any) (T, error) {
	var first error
	result := expandValue(reflect.ValueOf(&value).Elem(), func(text string) string {
		expanded, err := expandWith(text, variables)
		if err != nil && first == nil {
			first = err
		}
		return expanded
	})
	return result.Interface().(T), first
}

func expandValue(v reflect.Value, text func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.String:
		out.SetString(text(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(expandValue(v.Elem(), text))
		}
	case reflect.Interface:
		if !v.IsNil() {
			out.Set(expandValue(v.Elem(), text))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(expandValue(v.Field(i), text))
			}
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(expandValue(v.Index(i), text))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for _, key := range v.MapKeys() {
				out.SetMapIndex(key, expandValue(v.MapIndex(key), text))
			}
		}
	}
	return out
}
