package labs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"axolotl/internal/strictyaml"
)

// call is a command as kubectl understands it.
type call struct {
	verb  string
	words []string // behind the verb that are no flags, up to the command for a container
	flags []option
}

// option is a flag of a command: by its long name, as it is typed, and with its value.
type option struct{ name, typed, value string }

// arity tells how many words a flag is.
type arity int

const (
	alone  arity = iota + 1 // a value, where it has any, is behind "="
	valued                  // a value is the next word, where it is not behind "="
)

// generalFlags are those that may stand in front of the verb.
var generalFlags = map[string]arity{
	"as": valued, "as-group": valued, "as-uid": valued, "cluster": valued, "context": valued, "kubeconfig": valued,
	"namespace": valued, "request-timeout": valued, "server": valued, "user": valued, "v": valued,
	"warnings-as-errors": alone,
}

// verbFlags are those behind it. What kubectl takes for a flag's value and what for
// the name of an object depends on the flag, so a lab uses none that is not here.
var verbFlags = with(generalFlags, map[string]arity{
	"all": alone, "all-containers": alone, "all-namespaces": alone, "allow-missing-template-keys": alone, "cascade": alone,
	"client": alone, "command": alone, "containers": alone, "current": alone, "dry-run": alone, "expose": alone, "flatten": alone,
	"follow": alone, "force": alone, "help": alone, "ignore-errors": alone, "ignore-not-found": alone, "list": alone, "local": alone, "minify": alone,
	"namespaced": alone, "no-headers": alone, "now": alone, "overwrite": alone, "prefix": alone, "previous": alone,
	"quiet": alone, "recursive": alone, "rm": alone, "save-config": alone, "show-events": alone, "show-kind": alone, "show-labels": alone,
	"show-managed-fields": alone, "stdin": alone, "sum": alone, "timestamps": alone, "tty": alone, "validate": alone,
	"wait": alone, "watch": alone, "watch-only": alone,

	"annotation": valued, "api-group": valued, "api-version": valued, "audience": valued, "chunk-size": valued, "class": valued,
	"cluster-ip": valued, "clusterip": valued, "clusterrole": valued, "container": valued, "container-port": valued, "cpu": valued, "cpu-percent": valued,
	"current-replicas": valued, "default-backend": valued, "docker-email": valued, "docker-password": valued,
	"docker-server": valued, "docker-username": valued, "duration": valued, "env": valued, "external-ip": valued,
	"external-name": valued, "field-manager": valued, "field-selector": valued, "filename": valued, "for": valued,
	"from": valued, "from-literal": valued, "grace-period": valued, "group": valued, "hard": valued, "image": valued,
	"image-pull-policy": valued, "keys": valued, "kustomize": valued, "label-columns": valued, "labels": valued,
	"limit-bytes": valued, "limits": valued, "max": valued, "max-log-requests": valued, "max-unavailable": valued,
	"memory": valued, "min": valued, "min-available": valued, "name": valued, "node-port": valued, "output": valued,
	"overrides": valued, "patch": valued, "pod-running-timeout": valued, "port": valued, "protocol": valued, "raw": valued,
	"replicas": valued, "requests": valued, "resource": valued, "resource-name": valued, "resource-version": valued,
	"restart": valued, "revision": valued, "role": valued, "rule": valued, "schedule": valued, "scopes": valued,
	"selector": valued, "serviceaccount": valued, "session-affinity": valued, "since": valued, "since-time": valued,
	"sort-by": valued, "subresource": valued, "tail": valued, "target-port": valued, "tcp": valued, "template": valued,
	"timeout": valued, "to-revision": valued, "type": valued, "types": valued, "udp": valued, "verb": valued,
})

// shortFlags are the long names of flags of one letter. "v" is long, too.
var shortFlags = map[byte]string{
	'A': "all-namespaces", 'L': "label-columns", 'R': "recursive", 'c': "container", 'e': "env", 'f': "filename",
	'h': "help", 'i': "stdin", 'k': "kustomize", 'l': "selector", 'n': "namespace", 'o': "output", 'p': "patch",
	'q': "quiet", 's': "server", 't': "tty", 'v': "v", 'w': "watch",
}

// otherFlags are those that mean another thing behind one verb.
var otherFlags = map[string]map[string]arity{
	"set": {"containers": valued, "prefix": valued},
}

// otherShortFlags are those of one letter that do.
var otherShortFlags = map[string]map[byte]string{
	"logs":   {'f': "follow", 'p': "previous"},
	"run":    {'l': "labels"},
	"expose": {'l': "labels"},
	"set":    {'c': "containers"},
}

// forbiddenFlags are those that are not for a lab, and why.
var forbiddenFlags = map[string]string{
	"kubeconfig": "the cluster is the lab's", "server": "the cluster is the lab's", "cluster": "the cluster is the lab's",
	"all-namespaces": "a lab acts only in its own namespaces",
	"watch-only":     "it does not end by itself; say it in the text",
	"stdin":          "there is no terminal and no input",
	"tty":            "there is no terminal and no input",
	"filename":       `there are no files here; use the action "apply"`,
	"kustomize":      `there are no files here; use the action "apply"`,
}

// takesCommand are the verbs behind whose "--" is the command of a container.
var takesCommand = []string{"exec", "run", "create"}

// with are the flags of both.
func with(one, other map[string]arity) map[string]arity {
	all := maps.Clone(one)
	maps.Copy(all, other)
	return all
}

// call reads a command as kubectl does. The fault says what cannot be told apart.
func (c command) call() (read call, fault string) {
	words := c.words[1:]
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case word == "--" && slices.Contains(takesCommand, read.verb):
			return read, ""
		case word == "--":
			return read, "--: only exec, run and create have a command behind it; leave it out"
		case word == "-" || word == "" || word[0] != '-':
			if read.verb == "" {
				read.verb = word
			} else {
				read.words = append(read.words, word)
			}
			continue
		}
		f, has, fault := read.flag(word, words)
		if fault != "" {
			return read, fault
		}
		if !has && read.known(f.name) == valued {
			if len(words) == 0 {
				return read, fmt.Sprintf("%s: it needs a value", f.typed)
			}
			f.value, words = words[0], words[1:]
		}
		read.flags = append(read.flags, f)
	}
	return read, ""
}

// known is the arity of a flag, by its long name, or 0.
func (c call) known(name string) arity {
	if c.verb == "" {
		return generalFlags[name]
	}
	if other := otherFlags[c.verb][name]; other != 0 {
		return other
	}
	return verbFlags[name]
}

// long is the long name of a flag of one letter, or "".
func (c call) long(letter byte) string {
	if other := otherShortFlags[c.verb][letter]; other != "" {
		return other
	}
	return shortFlags[letter]
}

// flag reads a word that is one, in front of the rest. has tells that its value is in
// the word.
func (c call) flag(word string, rest []string) (f option, has bool, fault string) {
	if name, long := strings.CutPrefix(word, "--"); long {
		name, value, has := strings.Cut(name, "=")
		f = option{name: name, typed: "--" + name, value: value}
		if c.known(name) == 0 {
			return f, has, c.unknown(f)
		}
		return f, has, ""
	}
	f = option{name: c.long(word[1]), typed: word[:2]}
	behind := word[2:]
	switch arity := c.known(f.name); {
	case f.name == "" || arity == 0:
		return f, false, c.unknown(f)
	case behind == "":
		return f, false, ""
	case arity == valued || behind[0] == '=':
		f.value = strings.TrimPrefix(behind, "=")
		return f, true, ""
	}
	return f, false, fmt.Sprintf("%s: write each flag by itself%s", word, c.apart(word, rest))
}

// apart is how a word of several flags is written, where all are known.
func (c call) apart(word string, rest []string) string {
	var b strings.Builder
	for i := 1; i < len(word); i++ {
		name := c.long(word[i])
		if name == "" {
			return ""
		}
		b.WriteString(" --" + name)
		if c.known(name) == valued {
			if value := strings.TrimPrefix(word[i+1:], "="); value != "" {
				b.WriteString(" " + value)
			} else if len(rest) > 0 {
				b.WriteString(" " + rest[0])
			}
			break
		}
	}
	return ", as" + b.String()
}

func (c call) unknown(f option) string {
	if c.verb == "" && verbFlags[f.name] != 0 {
		return fmt.Sprintf("%s: write it behind what kubectl is to do", f.typed)
	}
	return fmt.Sprintf("%s: it is none of the flags that a lab may use%s",
		f.typed, strictyaml.DidYouMean(f.name, slices.Sorted(maps.Keys(verbFlags))))
}

// namespaceKinds are the names of that kind.
var namespaceKinds = []string{"namespace", "namespaces", "ns"}

// namespaces are those that the command names.
func (c call) namespaces() (names []string) {
	for _, flag := range c.flags {
		if flag.name == "namespace" {
			names = append(names, flag.value)
		}
	}
	isNamespace := func(kind string) bool {
		kind, _, _ = strings.Cut(strings.ToLower(kind), ".")
		return slices.Contains(namespaceKinds, kind)
	}
	for i, word := range c.words {
		kind, name, one := strings.Cut(word, "/")
		switch {
		case !slices.ContainsFunc(strings.Split(kind, ","), isNamespace):
		case one:
			names = append(names, name)
		default:
			names = append(names, c.words[i+1:]...)
		}
	}
	return names
}
