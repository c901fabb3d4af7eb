package labs

import (
	"strings"
	"testing"

	"axolotl/vm"
	"axolotl/vm/cluster"
)

// A command that a guided lab advises is for its cluster.
func TestCommandsNameTheCluster(t *testing.T) {
	const text = "`axolotl lab check --watch`, then 'axolotl lab next'; axolotl lab checks, axolotl lab run x"
	if got := typed(&vm.Cluster{Name: cluster.DefaultName}, text); got != text {
		t.Errorf("of the default cluster: %s", got)
	}
	const want = "`axolotl lab check --cluster demo --watch`, then 'axolotl lab next --cluster demo'; axolotl lab checks, axolotl lab run x"
	if got := typed(&vm.Cluster{Name: "demo"}, text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestGuideSpeaksOfItsCluster(t *testing.T) {
	h := learner(t)
	t.Parallel()
	const advice = " --cluster "
	if _, err := ResumeGuide(h, Options{}); err == nil || !strings.Contains(err.Error(), "axolotl lab start"+advice+h.Cluster.Name) {
		t.Errorf("nothing is under way: %v", err)
	}
	g, err := StartGuide(t.Context(), h, oneStep(t, "    check: [{object: {kind: ConfigMap, name: never}}]\n    hint: [{en: h, es: 'p: `axolotl lab solve`'}]\n"),
		Options{Language: Spanish})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	if hint, err := g.Hint(t.Context()); err != nil || hint != "p: `axolotl lab solve"+advice+h.Cluster.Name+"`" {
		t.Errorf("hint %q, %v", hint, err)
	}
	if err := g.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "axolotl lab check"+advice+h.Cluster.Name) {
		t.Errorf("next: %v", err)
	}
	if words := g.Words("Then: axolotl lab check", "Después: axolotl lab check"); words != "Después: axolotl lab check"+advice+h.Cluster.Name {
		t.Errorf("words: %s", words)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}
