package labs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/internal/check"
)

// sabotage changes one step so that it is done wrong.
type sabotage struct {
	lab, step, name string
	change          func(*Step)
}

// allSabotages are the simulated and the real ones.
func allSabotages() []sabotage { return slices.Concat(sabotages, realSabotages) }

// sabotaged is the lab of a sabotage with the step's index in it, before it is
// changed.
func (c sabotage) sabotaged(t *testing.T) (*Lab, int) {
	t.Helper()
	lab, err := Open(c.lab)
	if err != nil {
		t.Fatal(err)
	}
	if lab.Draw > 0 { // the first step and this one
		lab = lab.with([]string{c.step})
		lab.Draw = 0
	}
	i := slices.IndexFunc(lab.Steps, func(s Step) bool { return s.Name == c.step })
	if i < 0 {
		t.Fatalf("lab %s has no step %s", c.lab, c.step)
	}
	return lab, i
}

// inApply replaces a text in what the step's nth action applies.
func inApply(n int, old, replacement string) func(*Step) {
	return func(s *Step) {
		changed := strings.ReplaceAll(s.Do[n].Apply, old, replacement)
		if changed == s.Do[n].Apply {
			panic("nothing to sabotage: no " + old)
		}
		s.Do[n].Apply = changed
	}
}

// inKubectl replaces a text in what the step's nth action types.
func inKubectl(n int, old, replacement string) func(*Step) {
	return func(s *Step) {
		changed := strings.ReplaceAll(s.Do[n].Kubectl, old, replacement)
		if changed == s.Do[n].Kubectl {
			panic("nothing to sabotage: no " + old)
		}
		s.Do[n].Kubectl = changed
	}
}

// without leaves out the step's nth action.
func without(n int) func(*Step) {
	return func(s *Step) { s.Do = slices.Delete(slices.Clone(s.Do), n, n+1) }
}

// instead does something else.
func instead(all ...Action) func(*Step) { return func(s *Step) { s.Do = all } }

// first does something else before.
func first(a Action) func(*Step) {
	return func(s *Step) { s.Do = append([]Action{a}, s.Do...) }
}

// also does something else afterwards.
func also(all ...Action) func(*Step) {
	return func(s *Step) { s.Do = slices.Concat(s.Do, all) }
}

// relabelled takes a label off what the step deletes: it is out of sight, and
// lives on.
func relabelled(s *Step) {
	s.Do[0] = Action{Label: &Marks{Target: s.Do[0].Delete.Target, Set: map[string]string{"app": "out-of-sight"}}}
}

// otherVariable holds a worker that is not the one that a step is about.
const otherVariable = "other"

// onAnother does the change with the variable "other": a worker that is not the
// one whose name is in the variable than. The cluster must have two.
func onAnother(than string, change func(*Step)) func(*Step) {
	cel := fmt.Sprintf("objects.filter(n, !('node-role.kubernetes.io/control-plane' in n.metadata.labels) && n.metadata.name != vars.%s)[0].metadata.name", than)
	expression, err := check.Compile(cel, check.Value, map[string]*check.Type{"objects": check.ObjectsType, celName(than): check.AnyType})
	if err != nil {
		panic(err)
	}
	return func(s *Step) {
		s.Remember = append(slices.Clone(s.Remember), Memory{Name: otherVariable, List: &Target{Kind: "Node"}, CEL: cel, expression: expression})
		change(s)
	}
}

// anotherMachine does to the wrong machine what the step does to the right one.
func anotherMachine(s *Step) { s.Do[0].Machine.Name = "{{ other }}" }

// anotherBroken breaks the wrong node.
func anotherBroken(s *Step) { s.Do[0].Break.Node = "{{ other }}" }

// scaledTo scales a Deployment of the lab.
func scaledTo(replicas int, name string) Action {
	return Action{Scale: &Scale{Target: Target{Kind: "Deployment", Name: name}, Replicas: replicas}}
}

// deleted deletes one object of the lab.
func deleted(kind, name string) Action {
	return Action{Delete: &Delete{Target: Target{Kind: kind, Name: name}}}
}

// podsDeleted deletes the pods of an app.
func podsDeleted(app string) Action {
	return Action{Delete: &Delete{Target: Target{Kind: "Pod", Labels: map[string]string{"app": app}}}}
}

// inTemplate is a patch of the pods that a workload makes.
func inTemplate(kind, name string, podSpec map[string]any) Action {
	return Action{Patch: &Patch{
		Target: Target{Kind: kind, Name: name},
		With:   map[string]any{"spec": map[string]any{"template": map[string]any{"spec": podSpec}}},
	}}
}

// waiting are the steps that, done right, are not seen to be so on simulated
// nodes before some time is over: a node must be missed, a minute must strike. A
// sabotage that is watched for less than that (TestCatalog logs it) proves nothing.
var waiting = map[string]time.Duration{
	"cronjobs/missed":            80 * time.Second,
	"daemonsets/node-leaves":     100 * time.Second,
	"daemonsets/node-joins":      20 * time.Second,
	"deployments/update":         20 * time.Second,
	"game-day/too-few":           20 * time.Second,
	"namespaces/cascade":         25 * time.Second,
	"pods-are-volatile/noticed":  75 * time.Second,
	"pods-are-volatile/evicted":  20 * time.Second,
	"pods-are-volatile/replaced": 20 * time.Second,
	"why-orchestrate/lights-out": 90 * time.Second,
	"why-orchestrate/lights-on":  20 * time.Second,
}

// watch bounds how long each check of a sabotaged step may take to come true. It
// counts from when the step is done: a busy machine may take long for that, and
// a step that was not done was not done wrong.
func (c sabotage) watch(step *Step) {
	limit := patience(max(10*time.Second, waiting[c.lab+"/"+c.step]), min(step.limit(), 90*time.Second))
	step.Timeout = step.limit()
	for i := range step.Check {
		step.Check[i].Within = limit
		step.Timeout += limit + step.Check[i].For
		limit = patience(min(limit, 20*time.Second), limit) // what is waited for comes first
	}
}

// TestSabotage does a step wrong: its checks must notice.
func TestSabotage(t *testing.T) {
	needCluster(t)
	abreastOfAll(t)
	for _, c := range allSabotages() {
		t.Run(c.lab+"/"+c.step+"/"+c.name, func(t *testing.T) {
			lab, i := c.sabotaged(t)
			c.change(&lab.Steps[i])
			c.watch(&lab.Steps[i])
			abreast(t, lab)
			h := clusterFor(t, lab)
			skipMissing(t, h, lab.Steps[i].Needs)
			if slices.ContainsFunc(lab.Steps[i].Remember, func(m Memory) bool { return m.Name == otherVariable }) {
				skipMissing(t, h, Needs{Nodes: 3})
			}
			result := runOn(t, h, lab)
			expectFailureAt(t, result, i)
			if step := result.Steps[i]; len(step.Checks) == 0 {
				t.Errorf("it was not done, so nothing was checked: %s", step.Problem.Message)
			}
			t.Log(result.Reason) // the check that noticed
		})
	}
}

// TestEveryStepIsSabotaged wants for each step of the catalog something that a
// careless learner would do, and not only that it is left undone, which
// TestCatalog does to all.
func TestEveryStepIsSabotaged(t *testing.T) {
	wrong := map[string]bool{}
	for _, c := range allSabotages() {
		lab, i := c.sabotaged(t)
		step := &lab.Steps[i]
		before := written(t, step.Do)
		c.change(step)
		after := written(t, step.Do)
		if before == after {
			t.Errorf("%s/%s/%s changes nothing", c.lab, c.step, c.name)
		}
		if len(step.Do) > 0 {
			wrong[c.lab+"/"+c.step] = true
		}
	}
	for _, name := range CatalogNames() {
		lab, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range lab.Steps {
			if step := name + "/" + lab.Steps[i].Name; !wrong[step] {
				t.Errorf("step %s is done wrong in no way; add one to sabotages, or to realSabotages where it needs pods that run or machines", step)
			}
		}
	}
}

// written is a list of actions as a text to compare.
func written(t *testing.T, actions []Action) string {
	t.Helper()
	text, err := json.Marshal(actions)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
