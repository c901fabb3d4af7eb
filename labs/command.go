package labs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// command is a line that begins with kubectl, as its words: what a shell would
// make of it, without its quotes.
type command struct {
	words        []string
	line, column int // in the text, from 1
}

// commandFault is what is wrong with a text of commands, and where in it.
type commandFault struct {
	line, column int
	message      string
}

// readCommands reads a text as a shell would, and takes of it plain commands only:
// nothing that only a shell could do.
func readCommands(text string) (commands []command, faults []commandFault) {
	fault := func(at syntax.Pos, format string, args ...any) {
		faults = append(faults, commandFault{int(at.Line()), int(at.Col()), fmt.Sprintf(format, args...)})
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	var wrong syntax.ParseError
	var foreign syntax.LangError
	switch {
	case errors.As(err, &wrong):
		fault(wrong.Pos, "no command: %s", wrong.Text)
	case errors.As(err, &foreign):
		fault(foreign.Pos, "no shell reads these lines, so there is no %s", foreign.Feature)
	case err != nil:
		faults = append(faults, commandFault{1, 1, err.Error()})
	}
	if err != nil {
		return nil, faults
	}
	for _, statement := range file.Stmts {
		call, plain := statement.Cmd.(*syntax.CallExpr)
		switch {
		case len(statement.Redirs) > 0:
			fault(statement.Redirs[0].Pos(), "no shell reads these lines, so nothing can be redirected")
			continue
		case !plain || statement.Background || statement.Negated || len(call.Assigns) > 0:
			fault(statement.Pos(), "no shell reads these lines, so there are no pipes, conditions, loops and variables; write one kubectl command a line")
			continue
		}
		c := command{line: int(statement.Pos().Line()), column: int(statement.Pos().Col())}
		for _, word := range call.Args {
			text, unknown := wordText(word)
			if unknown != nil {
				fault(unknown.Pos(), "no shell reads these lines, so nothing is filled in here; remember the value, and write \"{{ name }}\"")
			}
			c.words = append(c.words, text)
		}
		if c.words[0] != "kubectl" {
			fault(call.Args[0].Pos(), "each line begins with kubectl, as a learner types it")
			continue
		}
		commands = append(commands, c)
	}
	return commands, faults
}

// wordText is a word without its quotes, or the part of it that only a shell
// could fill in.
func wordText(word *syntax.Word) (string, syntax.Node) {
	var b strings.Builder
	for _, part := range word.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(unescaped(p.Value, ""))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return "", inner
				}
				b.WriteString(unescaped(lit.Value, "$`\"\\"))
			}
		default:
			return "", part
		}
	}
	return b.String(), nil
}

// unescaped takes the backslashes away that a shell would: before these
// characters, or before any where there are none.
func unescaped(text, special string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && (special == "" || strings.IndexByte(special, text[i+1]) >= 0) {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// insidePods are verbs that ask a container.
var insidePods = map[string]bool{"exec": true, "logs": true, "cp": true, "top": true}

// forbiddenVerbs are those that are not for a lab to type, and why.
var forbiddenVerbs = map[string]string{
	"edit":         "it needs a terminal; use patch",
	"attach":       "it does not end by itself",
	"port-forward": "it does not end by itself",
	"proxy":        "it does not end by itself",
	"debug":        "it needs a terminal",
	"cordon":       `use the action "break", which is undone with the lab`,
	"uncordon":     `use the action "break", which is undone with the lab`,
	"drain":        `use the action "evict" or "break", which is undone with the lab`,
	"taint":        `use the action "break", which is undone with the lab`,
	"certificate":  "a certificate request is not in a namespace; a lab changes only what is in its own",
}

// clusterWide are the kinds of Kubernetes' own of which a lab owns nothing, as
// 'kubectl api-resources --namespaced=false' tells them, but for what cannot be changed.
var clusterWide = []string{
	"node", "nodes", "no", "clusterrole", "clusterroles", "clusterrolebinding", "clusterrolebindings",
	"storageclass", "storageclasses", "sc", "ingressclass", "ingressclasses", "priorityclass", "priorityclasses", "pc",
	"customresourcedefinition", "customresourcedefinitions", "crd", "crds", "persistentvolume", "persistentvolumes", "pv",
	"apiservice", "apiservices", "certificatesigningrequest", "certificatesigningrequests", "csr",
	"csidriver", "csidrivers", "csinode", "csinodes", "deviceclass", "deviceclasses", "resourceslice", "resourceslices",
	"flowschema", "flowschemas", "ipaddress", "ipaddresses", "ip", "servicecidr", "servicecidrs",
	"mutatingadmissionpolicy", "mutatingadmissionpolicies", "mutatingadmissionpolicybinding", "mutatingadmissionpolicybindings",
	"mutatingwebhookconfiguration", "mutatingwebhookconfigurations", "prioritylevelconfiguration", "prioritylevelconfigurations",
	"runtimeclass", "runtimeclasses", "validatingadmissionpolicy", "validatingadmissionpolicies",
	"validatingadmissionpolicybinding", "validatingadmissionpolicybindings", "validatingwebhookconfiguration",
	"validatingwebhookconfigurations", "volumeattachment", "volumeattachments", "volumeattributesclass", "volumeattributesclasses", "vac",
}

// reading are verbs that change nothing.
var reading = []string{"get", "describe", "explain", "events", "wait", "version", "api-resources", "cluster-info"}

// forbidden says why a lab does not run a command, or "". ownConfig tells that
// the lab has a kubeconfig of its own.
func (c command) forbidden(ownConfig bool) string {
	call, fault := c.call()
	if fault != "" {
		return fault
	}
	verb := call.verb
	if verb == "" {
		return "say what kubectl is to do"
	}
	if why := forbiddenVerbs[verb]; why != "" {
		return fmt.Sprintf("kubectl %s: %s", verb, why)
	}
	if verb == "config" && !ownConfig {
		return "kubectl config: this lab has no kubeconfig of its own; tell the learner to set KUBECONFIG={{ kubeconfig }}"
	}
	if !slices.Contains(reading, verb) {
		for i, word := range call.words {
			if i > 0 && (!strings.Contains(word, "/") || strings.Contains(word, "=")) {
				continue // a name; kinds stand first, or before the slash of a name
			}
			for kind := range strings.SplitSeq(word, ",") {
				kind, _, _ = strings.Cut(kind, "/")
				kind, _, _ = strings.Cut(kind, ".")
				if kind = strings.ToLower(kind); slices.Contains(clusterWide, kind) { // kubectl takes Node for nodes
					return fmt.Sprintf("a %s is not in a namespace; a lab changes only what is in its own", kind)
				}
			}
		}
	}
	if verb == "create" && len(call.words) > 0 && slices.Contains(namespaceKinds, strings.ToLower(call.words[0])) {
		return `make namespaces by the action "namespace", so that they are removed with the lab`
	}
	for _, flag := range call.flags {
		if why := forbiddenFlags[flag.name]; why != "" {
			return fmt.Sprintf("%s: %s", flag.typed, why)
		}
		if flag.name == "raw" && verb != "get" {
			return "--raw: it names no namespace; say what kind of object it is"
		}
		if (flag.name == "watch" || flag.name == "follow") && flag.value != "false" {
			return fmt.Sprintf("%s: it does not end by itself; say it in the text", flag.typed)
		}
	}
	return ""
}
