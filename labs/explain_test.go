package labs

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What fails in a namespace beside the lab's own is told too, and guided as well as
// unattended: what was expected, what was there, the last events, what was collected.
func TestFailuresAreExplainedGuided(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, oneStep(t, `
    do: [{namespace: "{{ namespace }}-other"}]
    check: [{object: {kind: Namespace, name: "{{ namespace }}-other"}, cel: "object.metadata.name == 'x'", within: 1s}]
    onFailure: [describe]
`), Options{Progress: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	other := g.Namespace() + "-other"
	if err := g.runner.session.makeNamespace(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: "e"}, InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "p", Namespace: other},
		Type: "Warning", Reason: "Failed", Message: "no such image",
	}
	if _, err := h.Kube.Typed.CoreV1().Events(other).Create(t.Context(), event, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	told := func(p *Problem) bool {
		return p.Expected != "" && len(p.Seen) > 0 && strings.Contains(strings.Join(p.Events, "\n"), "no such image")
	}
	_, seen, err := g.Check(t.Context())
	if err != nil || len(seen) != 1 || !told(seen[0]) {
		t.Errorf("check: %v, %+v", err, seen[0])
	}
	failure, err := g.Solve(t.Context())
	if err != nil || failure == nil || !told(failure.Problem) || len(failure.Evidence) != 1 || failure.Evidence[0].Kind != Describe {
		t.Errorf("solve: %v, %+v", err, failure)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}
