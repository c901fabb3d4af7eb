package labs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"axolotl/internal/kube"
	"axolotl/vm"
	"axolotl/vm/local/localtest"
)

// waits are the places of a step where a lab may wait without end, each by what
// is never there.
var waits = map[string]string{
	"remember": `
    remember: [{name: x, object: {kind: ConfigMap, name: never}, cel: object.metadata.uid}]
    check: [{object: {kind: ConfigMap, name: never}}]
`,
	"setup": `
    setup: [{await: {object: {kind: ConfigMap, name: never}}}]
    check: [{object: {kind: ConfigMap, name: never}}]
`,
	"do": `
    do: [{apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: made}}"}, {await: {object: {kind: ConfigMap, name: never}}}]
    check: [{object: {kind: ConfigMap, name: never}}]
`,
	"check for a while": `
    alreadyTrue: true
    check: [{object: {kind: ConfigMap, name: never}, not: true, for: 15s}]
`,
}

// Wherever a lab is interrupted, its namespaces go, and nothing else.
func TestInterruptedInEveryPart(t *testing.T) {
	needCluster(t)
	for name, step := range waits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			others := newSession(handle, newLab(t, "other"), time.Now)
			if err := others.begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := others.end(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			}()
			interrupt := errors.New("SIGINT")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 4*time.Second, interrupt)
			defer cancel()
			result, err := Run(ctx, handle, oneStep(t, step), Options{})
			if result.Outcome != Interrupted || !errors.Is(err, interrupt) || result.Kept {
				t.Errorf("outcome %s, kept %t, error %v", result.Outcome, result.Kept, err)
			}
			gone(t, handle, result.Namespace)
			if left, err := others.namespaces(t.Context()); err != nil || len(left) != 1 || left[0].DeletionTimestamp != nil {
				t.Errorf("of another lab there is left: %v, %v", left, err)
			}
		})
	}
}

// The learner deletes the namespace: each command says so, and the lab can be
// begun anew or ended.
func TestGuideWhoseNamespaceIsDeleted(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, newLab(t, "deleted"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	old := g.Namespace()
	if err := g.runner.session.removeNamespaces(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, seen, err := g.Check(t.Context()); err != nil || len(seen) == 0 {
		t.Errorf("check: %+v, %v", seen, err)
	}
	if problem, err := g.Solve(t.Context()); err != nil || problem == nil || !strings.Contains(problem.Message, `namespaces "`+old+`" not found`) {
		t.Errorf("solve: %+v, %v", problem, err)
	}
	if err := g.Reset(t.Context()); err != nil || g.Namespace() == old {
		t.Fatalf("reset: %v, in %s", err, g.Namespace())
	}
	solved(t, g, 1)
	if err := g.runner.session.removeNamespaces(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Errorf("quit: %v", err)
	}
	gone(t, h, "lab-deleted-")
}

// Killed while what the steps stand on was made: no step can be done, and reset
// or quit is the way on.
func TestGuideKilledWhileItIsMade(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, newLab(t, "torn"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	g.state.Making = true
	if err := errors.Join(g.runner.session.removeNamespaces(t.Context()), g.save(), g.Close()); err != nil {
		t.Fatal(err)
	}
	g = resume(t, h)
	defer closeGuide(t, g)
	g.state.Begun = false
	if _, _, err := g.Check(t.Context()); !errors.Is(err, errMaking) {
		t.Errorf("check: %v", err)
	}
	if err := g.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	solved(t, g, 1)
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
	gone(t, h, "lab-torn-")
}

// The cluster goes in the middle: that is what is told, and when it is back,
// so is the lab.
func TestGuideWhoseClusterIsGone(t *testing.T) {
	needCluster(t)
	c := localtest.New(t, 1)
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h, err := c.Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g, err := StartGuide(t.Context(), h, newLab(t, "lost"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	solved(t, g, 1)
	closeGuide(t, g)
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	g = resume(t, h)
	_, seen, err := g.Check(t.Context())
	said := ""
	for _, problem := range seen {
		said += problem.Message + strings.Join(problem.Seen, " ")
	}
	if err == nil && !strings.Contains(said, "connect") {
		t.Errorf("check of a cluster that is gone: %q, %v", said, err)
	}
	if err := g.Next(t.Context()); err == nil {
		t.Error("the step passed")
	}
	closeGuide(t, g)

	if _, err := c.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	g = resume(t, h)
	defer closeGuide(t, g)
	if g.Step() == nil || g.Step().Name != "change" || len(g.state.Done) != 1 {
		t.Fatalf("progress is lost: %+v", g.Status())
	}
	solved(t, g, 1)
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}

// realPods is a driver whose pods have logs.
type realPods struct{ vm.Driver }

func (realPods) Traits() vm.Traits { return vm.Traits{RealPods: true} }

// What a container writes cannot act on the terminal.
func TestLogsAreEscaped(t *testing.T) {
	answers := map[string]any{
		"/api/v1/namespaces": corev1.NamespaceList{Items: []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{LabelSession: "abcde"}}}}},
		"/api/v1/namespaces/n/pods": corev1.PodList{Items: []corev1.Pod{{
			ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}},
		}}},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer, ok := answers[r.URL.Path]; ok {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(answer) //nolint:errcheck // the client sees it
			return
		}
		w.Write([]byte("\x1b]0;pwned\a\x1b[2Jgone \u202ecod\nnext")) //nolint:errcheck // the client sees it
	}))
	defer server.Close()
	client, err := kube.New(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(&vm.Handle{Cluster: &vm.Cluster{Name: "c"}, Driver: realPods{}, Kube: client}, newLab(t, "noisy"), time.Now)
	s.resume("abcde")
	all := s.collect(t.Context(), []Evidence{Logs})
	if len(all) != 1 || !strings.Contains(all[0].Text, "gone") || !strings.Contains(all[0].Text, "\nnext") || strings.ContainsAny(all[0].Text, "\x1b\a\u202e") {
		t.Errorf("got %q", all)
	}
}
