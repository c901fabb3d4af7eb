package labs

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/strictyaml/gocomments"
	"axolotl/vm"
)

// learner is the shared cluster with a state directory of the test's own, as
// only one lab at a time is under way on a cluster.
func learner(t *testing.T) *vm.Handle {
	t.Helper()
	needCluster(t)
	record := *handle.Cluster
	record.Dir = t.TempDir()
	config, err := os.ReadFile(handle.Cluster.Kubeconfig())
	if err == nil {
		err = os.WriteFile(record.Kubeconfig(), config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &vm.Handle{Cluster: &record, Driver: handle.Driver, Kube: handle.Kube, Kubectl: handle.Kubectl}
}

func resume(t *testing.T, h *vm.Handle) *Guide {
	t.Helper()
	g, err := ResumeGuide(h, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func closeGuide(t *testing.T, g *Guide) {
	t.Helper()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
}

func newLab(t *testing.T, name string) *Lab {
	t.Helper()
	text, err := NewFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lab, err := Parse(name+".yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// A learner goes through a lab; each act is by another process, as it were.
func TestGuide(t *testing.T) {
	h := learner(t)
	t.Parallel()
	if _, err := ResumeGuide(h, Options{}); !errors.Is(err, ErrNoGuide) {
		t.Fatalf("nothing is under way, but: %v", err)
	}
	start := time.Now()
	g, err := StartGuide(t.Context(), h, newLab(t, "guided"), Options{Language: Spanish})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %.2f s", time.Since(start).Seconds())
	if said, err := g.Say(); err != nil || !strings.Contains(said, "1/2: deploy") || !strings.Contains(said, "Guardá") ||
		!strings.Contains(said, g.Namespace()) || !strings.Contains(said, "kind: ConfigMap") {
		t.Errorf("error %v; it says:\n%s", err, said)
	}
	if _, err := ResumeGuide(h, Options{}); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("two at once: %v", err)
	}
	closeGuide(t, g)
	if _, err := StartGuide(t.Context(), h, newLab(t, "other"), Options{}); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("a second lab: %v", err)
	}

	g = resume(t, h)
	results, seen, err := g.Check(t.Context())
	if err != nil || len(seen) != 1 || results[0].Outcome != Failed || results[0].That != "el color es rosa" {
		t.Errorf("not done yet: %+v %+v %v", results, seen, err)
	}
	if err := g.Next(t.Context()); !errors.Is(err, ErrNotPassed) {
		t.Errorf("next before it is done: %v", err)
	}
	if hint, err := g.Hint(t.Context()); err != nil || !strings.Contains(hint, "-n "+g.Namespace()+" get configmap") {
		t.Errorf("hint %q, error %v", hint, err)
	}
	// Another way than the solution's: it is the state that counts.
	if err := g.runner.session.do(t.Context(), Action{Apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {color: pink, size: big}}"}); err != nil {
		t.Fatal(err)
	}
	if err := g.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	uid := g.runner.session.variables["uid"]
	closeGuide(t, g)

	g = resume(t, h)
	if g.Step().Name != "change" || uid == nil || g.runner.session.variables["uid"] != uid {
		t.Errorf("step %s, uid %v; want what was before", g.Step().Name, g.runner.session.variables["uid"])
	}
	// Replaced instead of changed: the hint with a condition knows.
	maps := h.Kube.Typed.CoreV1().ConfigMaps(g.Namespace())
	if err := maps.Delete(t.Context(), "settings", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := g.runner.session.do(t.Context(), Action{Apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {color: gold}}"}); err != nil {
		t.Fatal(err)
	}
	if hint, err := g.Hint(t.Context()); err != nil || !strings.Contains(hint, "Creaste otro") {
		t.Errorf("hint %q, error %v", hint, err)
	}
	old := g.Namespace()
	if err := g.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ns, err := h.Kube.Typed.CoreV1().Namespaces().Get(t.Context(), old, metav1.GetOptions{}); err == nil && ns.DeletionTimestamp == nil {
		t.Errorf("namespace %s is left", old)
	}
	if g.Step().Name != "deploy" || g.Namespace() == old {
		t.Errorf("after reset: step %s in %s", g.Step().Name, g.Namespace())
	}
	for range g.Lab.Steps {
		if problem, err := g.Solve(t.Context()); problem != nil || err != nil {
			t.Fatalf("%+v, %v", problem, err)
		}
		if err := g.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if status := g.Status(); g.Step() != nil || len(status.Done) != 2 || !status.Done[1].Solved {
		t.Errorf("at the end: %+v", status)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone(t, h, g.Namespace())
	gone(t, h, old)
	closeGuide(t, g)
	if _, err := ResumeGuide(h, Options{}); !errors.Is(err, ErrNoGuide) {
		t.Errorf("after quit: %v", err)
	}
}

func TestGuideDamaged(t *testing.T) {
	h := learner(t)
	if err := os.WriteFile(filepath.Join(h.Cluster.Dir, guideFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ResumeGuide(h, Options{})
	if err == nil || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), LabelLab) {
		t.Errorf("got %v", err)
	}
}

// TestNewFile proves that what "lab new" writes lints and runs.
func TestNewFile(t *testing.T) {
	if _, err := NewFile("No Name"); err == nil {
		t.Error("a bad name was taken")
	}
	lab := newLab(t, "fresh")
	needCluster(t)
	t.Parallel()
	if result := run(t, lab); result.Outcome != Passed {
		t.Errorf("%s: %s", result.Outcome, result.Reason)
	}
}

func TestSchema(t *testing.T) {
	data, err := json.Marshal(Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"enum":["beginner","intermediate","advanced"]`, `"real-pods":{"description":"containers that run and answer","type":"boolean"}`, `"$ref":"#/$defs/Lab"`,
		`"required":["name","title","summary","level","minutes","steps"]`,
	} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("no %s in %s", want, data)
		}
	}
}

// The reference and the schema say what the sources say now, of every field.
func TestFormatIsThatOfTheSources(t *testing.T) {
	read, err := gocomments.Read(".")
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(read, comments()) {
		t.Error("comments.json is not what the sources say: run go generate ./labs")
	}
	for _, want := range []string{
		"## Lab\n\nLab is one lab file.", "- `level` (beginner | intermediate | advanced, required)\n",
		"- `check` (one or a list of Check, required): Check is what must be seen, in order.", "- `en` (text, required)\n", "## Machine\n",
	} {
		if !strings.Contains(strings.ToLower(Format()), strings.ToLower(want)) {
			t.Errorf("no %q in:\n%s", want, Format())
		}
	}
}

func TestRunAll(t *testing.T) {
	needCluster(t)
	t.Parallel()
	alone := newLab(t, "alone")
	alone.Steps[0].Do = append(alone.Steps[0].Do, Action{Machine: &Machine{Name: "cp-1", Do: MachineOff}})
	all := []*Lab{alone, newLab(t, "one"), newLab(t, "two")}
	var ended []string
	results, err := RunAll(t.Context(), handle, all, 2, Options{}, func(r Result) { ended = append(ended, r.Lab) })
	if err != nil || len(results) != 3 || results[0].Lab != "alone" || results[2].Lab != "two" {
		t.Fatalf("%+v, %v", results, err)
	}
	if ended[2] != "alone" {
		t.Errorf("ended %v: the lab that breaks machines is to run alone, last", ended)
	}
	if results[0].Outcome != Failed || !strings.Contains(results[0].Reason, "control plane") {
		t.Errorf("the control plane's machine was switched off: %+v", results[0])
	}
}
