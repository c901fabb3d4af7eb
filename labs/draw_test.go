package labs

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// game is a lab that draws two of three steps; each takes a ConfigMap away.
func game(t *testing.T) *Lab {
	t.Helper()
	var steps strings.Builder
	for _, name := range []string{"a", "b", "c"} {
		steps.WriteString(strings.ReplaceAll(`
  - name: lost-X
    say: {en: "X is gone", es: "X no está"}
    setup: {delete: {kind: ConfigMap, name: X}}
    do: {apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: X}}"}
    check: {object: {kind: ConfigMap, name: X}}
    hint: {en: "make X", es: "hacé X"}`, "X", name))
	}
	return parse(t, `
name: game
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
draw: 2
steps:
  - name: begin
    say: {en: s, es: s}
    do:
      - apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
      - apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}"
      - apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}"
    check: {list: {kind: ConfigMap}, cel: "objects.exists(o, o.metadata.name == 'c')"}`+steps.String()+`
  - name: end
    say: {en: s, es: s}
    do: {apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: over}}"}
    check: {object: {kind: ConfigMap, name: over}}
`)
}

func stepNames(lab *Lab) []string {
	var names []string
	for _, step := range lab.Steps {
		names = append(names, step.Name)
	}
	return names
}

// A seed draws the same steps in the same order each time, and between them
// the seeds draw them all.
func TestDraw(t *testing.T) {
	needCluster(t)
	t.Parallel()
	lab, seen := game(t), map[string]bool{}
	for seed := 1; seed <= 20; seed++ {
		var drawn [2][]string
		for i := range drawn {
			of, err := lab.drawn(t.Context(), handle, seed)
			if err != nil {
				t.Fatal(err)
			}
			drawn[i] = stepNames(of)
		}
		if !slices.Equal(drawn[0], drawn[1]) {
			t.Errorf("seed %d draws %v and %v", seed, drawn[0], drawn[1])
		}
		if d := drawn[0]; len(d) != 4 || d[0] != "begin" || d[3] != "end" || d[1] == d[2] {
			t.Errorf("seed %d draws %v", seed, d)
		}
		seen[strings.Join(drawn[0], " ")] = true
	}
	if len(seen) < 4 { // of six
		t.Errorf("20 seeds draw only %v", seen)
	}
	result, err := Run(t.Context(), handle, lab, Options{Seed: 7})
	if err != nil || result.Outcome != Passed || result.Seed != 7 || len(result.Steps) != 4 {
		t.Errorf("error %v, %+v", err, result)
	}
}

// Hints cost points, what was solved for the learner brings none, and the
// drawn order outlives the process.
func TestScore(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, game(t), Options{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	order := stepNames(g.Lab)
	closeGuide(t, g)
	g = resume(t, h)
	defer closeGuide(t, g)
	if got := stepNames(g.Lab); !slices.Equal(got, order) {
		t.Errorf("resumed with %v, was %v", got, order)
	}
	solve := func() {
		t.Helper()
		if problem, err := g.Solve(t.Context()); problem != nil || err != nil {
			t.Fatalf("%+v, %v", problem, err)
		}
	}
	next := func() {
		t.Helper()
		if err := g.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	solve()
	next()
	if hint, err := g.Hint(t.Context()); err != nil || hint == "" {
		t.Fatalf("hint %q, %v", hint, err)
	}
	if _, seen, err := g.Check(t.Context()); err != nil || len(seen) == 0 {
		t.Errorf("what the step broke is not seen: %v %v", seen, err)
	}
	if err := g.runner.session.do(t.Context(), g.Step().Do[0]); err != nil { // by hand, as it were
		t.Fatal(err)
	}
	next()
	solve()
	next()
	solve()
	next()
	status := g.Status()
	if status.Score != fullPoints-hintPoints || status.ScoreOf != 2*fullPoints || status.Seed != 7 {
		t.Errorf("score %d of %d, seed %d", status.Score, status.ScoreOf, status.Seed)
	}
	if said, err := g.Say(); err != nil || !strings.Contains(said, "75 of 200") {
		t.Errorf("error %v; it says %s", err, said)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A step that the cluster cannot give is skipped, and said to be; what it
// would have remembered is known to nobody else.
func TestStepNeeds(t *testing.T) {
	needCluster(t)
	t.Parallel()
	lab := parse(t, `
name: partly
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
steps:
  - name: anywhere
    say: {en: s, es: s}
    do: {apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"}
    check: {object: {kind: ConfigMap, name: a}}
  - name: real
    needs: {real-pods: true}
    say: {en: s, es: s}
    check: {exec: {pod: a, command: ["true"]}}
  - name: last
    say: {en: s, es: s}
    do: {apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}"}
    check: {object: {kind: ConfigMap, name: b}}
`)
	if given {
		t.Skip("for a cluster of simulated pods")
	}
	result := run(t, lab)
	if result.Outcome != Passed || result.Steps[1].Outcome != Skipped || result.Steps[2].Outcome != Passed ||
		!strings.Contains(result.Reason, "1 of 3 steps skipped: it needs real pods") {
		t.Errorf("%s: %s: %+v", result.Outcome, result.Reason, result.Steps)
	}
	h := learner(t)
	g, err := StartGuide(t.Context(), h, lab, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	if _, err := g.Solve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g.Step().Name != "last" || g.Status().Done[1].Skipped == "" {
		t.Errorf("at step %s, done %+v", g.Step().Name, g.Status().Done)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
}
