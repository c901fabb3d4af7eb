package labs

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/strictyaml"
)

// maxName leaves room for "lab-", a suffix, and namespaces named after the
// lab's own, within the 63 characters of a DNS label.
const maxName = 40

// validator judges what a file says once it has been decoded.
type validator struct {
	document  *strictyaml.Document
	lab       *Lab
	needs     Needs      // of the lab and of the step that is judged
	from      string     // the place of the step that is judged, where it may not be drawn
	all       []variable // set so far, in order
	variables []string   // of these, the ones that are known in the step that is judged
	faults    []string   // that steps so far break by
}

// variable is one that a step sets, and what that step needs; from is the
// step's place where it may not be drawn.
type variable struct {
	name  string
	needs Needs
	from  string
}

func (v *validator) run() {
	v.metadata()
	seen := map[string]bool{}
	for i := range v.lab.Steps {
		at := fmt.Sprintf("steps[%d]", i)
		step := &v.lab.Steps[i]
		v.dnsLabel(at+".name", step.Name)
		if step.Name != "" && seen[step.Name] {
			v.document.Faultf(at+".name", "another step is called %q; names are unique", step.Name)
		}
		seen[step.Name] = true
		v.enter(at, step)
		v.step(at, step)
		v.placeholders(at, step)
	}
}

// enter makes known what a step's texts may name: a step that was skipped has
// set nothing.
func (v *validator) enter(at string, step *Step) {
	v.needs = v.lab.Needs.with(step.Needs)
	v.variables = slices.Clone(ownVariables)
	v.from = ""
	if v.lab.Draw > 0 && len(step.Setup) > 0 {
		v.from = at
	}
	for _, known := range v.all {
		if v.needs.cover(known.needs) && (known.from == "" || known.from == v.from) {
			v.variables = append(v.variables, known.name)
		}
	}
	if step.Needs.Nodes < 0 {
		v.document.Faultf(at+".needs.nodes", "want a number of nodes from 1")
	}
}

func (v *validator) metadata() {
	v.dnsLabel("name", v.lab.Name)
	if len(v.lab.Name) > maxName {
		v.document.Faultf("name", "the name has %d characters; at most %d leave room for its namespaces", len(v.lab.Name), maxName)
	}
	if v.document.Has("minutes") && (v.lab.Minutes < 1 || v.lab.Minutes > 600) {
		v.document.Faultf("minutes", "want 1 to 600 minutes")
	}
	if v.document.Has("order") && v.lab.Order < 1 {
		v.document.Faultf("order", "want a place in the course from 1")
	}
	if v.lab.Needs.Nodes < 0 {
		v.document.Faultf("needs.nodes", "want a number of nodes from 1")
	}
	if pool := v.lab.pool(); v.lab.Draw < 0 || v.lab.Draw > len(pool) {
		v.document.Faultf("draw", "want at most as many as there are steps with a setup, which are %d", len(pool))
	}
	if v.document.Has("steps") && len(v.lab.Steps) == 0 {
		v.document.Faultf("steps", "a lab needs a step")
	}
	for _, text := range v.document.Texts() {
		if translated.MatchString(text.Path) && strings.TrimSpace(text.Value) == "" {
			v.document.Faultf(text.Path, "the text is empty")
		}
	}
}

func (v *validator) step(at string, step *Step) {
	for i := range step.Remember {
		v.memory(fmt.Sprintf("%s.remember[%d]", at, i), &step.Remember[i])
	}
	for i := range step.Setup {
		v.action(fmt.Sprintf("%s.setup[%d]", at, i), &step.Setup[i])
	}
	for i := range step.Do {
		v.action(fmt.Sprintf("%s.do[%d]", at, i), &step.Do[i])
	}
	if v.document.Has(at+".check") && len(step.Check) == 0 {
		v.document.Faultf(at+".check", "a step with nothing to check is not a step; say what must be seen")
	}
	for i := range step.Check {
		at, c := fmt.Sprintf("%s.check[%d]", at, i), &step.Check[i]
		v.check(at, c)
		if limit := step.limit(); c.Within+c.For > limit {
			v.document.Faultf(at, "within and for add up to %s, more than the step's timeout of %s", c.Within+c.For, limit)
		}
	}
	for i := range step.Hint {
		if when := step.Hint[i].When; when != nil {
			v.check(fmt.Sprintf("%s.hint[%d].when", at, i), when)
		}
	}
}

func (v *validator) memory(at string, m *Memory) {
	switch {
	case m.Name == "": // is missing; told already
	case !variableName.MatchString(m.Name):
		v.document.Faultf(at+".name", "%q is no variable name; use letters and digits, a small letter first", m.Name)
	case slices.Contains(v.variables, m.Name), slices.ContainsFunc(v.all, func(other variable) bool { return other.name == m.Name }):
		v.document.Faultf(at+".name", "variable %q has a value already; choose another name", m.Name)
	}
	subject := "object"
	if m.List != nil {
		subject = "list"
		v.target(at+".list", *m.List, false)
	}
	if m.Object != nil {
		v.target(at+".object", *m.Object, false)
	}
	if (m.Object == nil) == (m.List == nil) {
		v.document.Faultf(at, "say either object or list")
	}
	m.expression = v.compile(at+".cel", m.CEL, check.Value, subjectVariables[subject])
	if m.Name != "" && !slices.Contains(v.variables, m.Name) {
		v.variables = append(v.variables, m.Name)
		v.all = append(v.all, variable{m.Name, v.needs, v.from})
	}
}

func (v *validator) check(at string, c *Check) {
	if !v.exactlyOne(at, "subject", c.subjects()) {
		return
	}
	subject := c.subjects()[0]
	switch subject {
	case "object":
		v.target(at+".object", *c.Object, false)
	case "list":
		v.target(at+".list", *c.List, false)
		if c.CEL == "" {
			v.document.Faultf(at, `say in "cel" what must be true of the list`)
		}
	case "http":
		v.http(at+".http", c.HTTP)
	case "exec":
		c.Exec.validate(v, at+".exec")
	case "refused":
		v.refused(at+".refused", c.Refused)
	case "access":
		v.actor(at+".access", c.Access.Context, c.Access.ServiceAccount)
	case "kubeconfig":
		v.kubeconfig(at + ".kubeconfig")
		if c.CEL == "" {
			v.document.Faultf(at, `say in "cel" what must be true of it`)
		}
	case "diff":
		v.manifests(at+".diff.apply", c.Diff.Apply)
		if c.CEL == "" {
			v.document.Faultf(at, `say in "cel" what must be true of the changes`)
		}
	}
	if why := noCEL[subject]; c.CEL != "" && why != "" {
		v.document.Faultf(at+".cel", "%s", why)
	} else if c.CEL != "" {
		c.expression = v.compile(at+".cel", c.CEL, check.Assertion, subjectVariables[subject])
	}
	if c.Contains != "" && slices.Contains([]string{"object", "list", "access", "diff", "kubeconfig", "apiServer"}, subject) {
		v.document.Faultf(at+".contains", `"contains" looks into answers and messages; say it in "cel"`)
	}
	if c.Contains != "" && c.CEL != "" {
		v.document.Faultf(at+".contains", `say either "contains" or "cel"`)
	}
}

// noCEL says why some subjects have no expression.
var noCEL = map[string]string{
	"event":   "an event is told by kind, name, reason and contains",
	"access":  "an access is allowed or, with not, denied",
	"refused": "a refusal is told by contains",

	"apiServer": "it answers or, with not, does not",
}

// actor judges who it is that does something.
func (v *validator) actor(at, context, serviceAccount string) {
	if context != "" {
		v.kubeconfig(at + ".context")
	}
	if context != "" && serviceAccount != "" {
		v.document.Faultf(at, "say either context or serviceAccount")
	}
}

func (v *validator) refused(at string, r *Refused) {
	v.actor(at, r.Context, r.ServiceAccount)
	if (r.Apply == "") == (r.Evict == "") {
		v.document.Faultf(at, "say either apply or evict")
	}
	if r.Apply != "" {
		v.manifests(at+".apply", r.Apply)
	}
}

func (v *validator) http(at string, h *HTTP) {
	v.needsRealPods(at)
	if h.Path != "" && !strings.HasPrefix(h.Path, "/") {
		v.document.Faultf(at+".path", `a path begins with "/"`)
	}
	if h.Port < 0 || h.Port > 65535 {
		v.document.Faultf(at+".port", "want a port from 1 to 65535")
	}
	targets := 0
	for _, set := range []bool{h.Service != "", h.Pod != "", len(h.Pods) > 0, h.NodePort != ""} {
		if set {
			targets++
		}
	}
	if targets != 1 {
		v.document.Faultf(at, "say one of service, pod, pods and nodePort")
	}
}

// podOrPods wants a pod's name or labels, and not both.
func (v *validator) podOrPods(at, pod string, pods map[string]string) {
	if (pod == "") == (len(pods) == 0) {
		v.document.Faultf(at, "say either pod or pods")
	}
}

func (v *validator) needsRealPods(at string) {
	if !v.needs.RealPods {
		v.document.Faultf(at, `this needs containers that run; add "needs: {real-pods: true}" to the lab or to the step`)
	}
}

func (v *validator) target(at string, t Target, named bool) {
	if t.Kind == "" {
		return // is missing; told already
	}
	if _, ok := kube.Kind(t.APIVersion, t.Kind); !ok {
		v.document.Faultf(at+".kind", "kind %q needs an apiVersion%s", t.Kind, strictyaml.DidYouMean(t.Kind, kube.Kinds()))
	}
	if named && (t.Name == "" || len(t.Labels) > 0) {
		v.document.Faultf(at, "say which one by its name")
	}
}

// manifests checks the syntax of what will be applied, and that Kubernetes' own
// kinds have the fields. Placeholders are
// blotted out by as many characters, so that places stay.
func (v *validator) manifests(at, text string) {
	blotted := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		return strings.Repeat("x", len(found))
	})
	if !v.document.CheckEmbedded(at, blotted) {
		return
	}
	objects, err := kube.Decode([]byte(blotted))
	if err != nil {
		v.document.Faultf(at, "%v", err)
	} else if len(objects) == 0 {
		v.document.Faultf(at, "there is no manifest")
	}
	for i, object := range objects {
		for _, field := range kube.UnknownFields(object) {
			v.document.FaultInEmbedded(at, blotted, i, field.Path, "a %s has no field %q%s",
				object.GetKind(), field.Path, strictyaml.DidYouMean(field.Name, field.Known))
		}
	}
}

func (v *validator) compile(at, source string, result check.Result, subject map[string]*check.Type) *check.Expression {
	if source == "" {
		return nil // is missing or empty; told already
	}
	known := maps.Clone(subject)
	for _, name := range v.variables {
		known[celName(name)] = check.AnyType
	}
	for _, name := range ownVariables {
		known[celName(name)] = check.StringType
	}
	expression, err := check.Compile(source, result, known)
	var issues check.Issues
	if errors.As(err, &issues) {
		for _, issue := range issues {
			v.document.FaultInside(at, issue.Line, issue.Column, "CEL: %s", issue.Message)
		}
	}
	return expression
}

// celName is a variable's name in expressions.
func celName(variable string) string { return "vars." + variable }

// What a text of the file is, by its path.
var (
	celField   = regexp.MustCompile(`\.cel$`)
	said       = regexp.MustCompile(`\.say\.(en|es)$`)
	translated = regexp.MustCompile(`\.(en|es)$`)
)

// placeholders checks every text of a step against the variables that are
// known in it.
func (v *validator) placeholders(at string, step *Step) {
	for _, text := range v.document.Texts() {
		if !strings.HasPrefix(text.Path, at+".") {
			continue
		}
		isCEL := celField.MatchString(text.Path)
		_, err := expand(text.Value, func(name string, offset int) (string, error) {
			switch {
			case name == manifestsVariable && said.MatchString(text.Path):
				if !slices.ContainsFunc(step.Do, func(a Action) bool { return a.Apply != "" }) {
					v.document.FaultAtOffset(text.Path, text.Value, offset, "the step applies no manifests")
				}
			case name == commandsVariable && said.MatchString(text.Path):
				if !slices.ContainsFunc(step.Do, func(a Action) bool { return a.Kubectl != "" }) {
					v.document.FaultAtOffset(text.Path, text.Value, offset, `the step has no action "kubectl"`)
				}
			case isCEL:
				v.document.FaultAtOffset(text.Path, text.Value, offset, "in CEL a variable is written vars.%s", name)
			case !slices.Contains(v.variables, name):
				v.document.FaultAtOffset(text.Path, text.Value, offset, "unknown variable %q%s; known here: %s",
					name, strictyaml.DidYouMean(name, v.variables), strings.Join(v.variables, ", "))
			}
			return "", nil
		})
		if err != nil && !isCEL {
			v.document.Faultf(text.Path, "%v", err)
		}
	}
}

func (v *validator) exactlyOne(at, what string, found []string) bool {
	switch len(found) {
	case 0:
		if v.document.Has(at) {
			v.document.Faultf(at, "there is no %s here", what)
		}
	case 1:
		return true
	default:
		v.document.Faultf(at, "there are %d %ss here (%s); take one, or write a list", len(found), what, strings.Join(found, ", "))
	}
	return false
}

func (v *validator) dnsLabel(at, name string) {
	if name == "" {
		return // is missing; told already
	}
	if len(validation.IsDNS1123Label(name)) > 0 {
		v.document.Faultf(at, "%q is no DNS label; use small letters, digits and -", name)
	}
}
