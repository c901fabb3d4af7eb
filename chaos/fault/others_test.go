package fault

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// meddler is a connection to an API server before whose next patch somebody else
// makes a change.
type meddler struct {
	next   http.RoundTripper
	change func()
	once   sync.Once
}

// RoundTrip implements http.RoundTripper.
func (m *meddler) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodPatch {
		m.once.Do(m.change)
	}
	return m.next.RoundTrip(request)
}

// TestUndoLeavesWhatOthersSet: what somebody else has set while a fault was in
// stays, whether they do so before the undo or in the midst of it.
func TestUndoLeavesWhatOthersSet(t *testing.T) {
	for _, test := range []struct {
		fault Fault
		patch string // what somebody else sets
	}{
		{&ImageBroken{Image: "axolotl.invalid/broken:0"}, `{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"good:2"}]}}}}`},
		{&CrashLoop{ImageBroken{Image: crashingImage}}, `{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"good:2"}]}}}}`},
		{&ScaleToZero{}, `{"spec":{"replicas":3}}`},
		{&LabelTornOff{}, `{"metadata":{"labels":{"app":"other"}}}`},
		{&ConfigAlteration{config: config{OnConfigMaps}, Value: "x"}, `{"data":{"a":"3"}}`},
		{&ConfigAlteration{config: config{OnConfigMaps}}, `{"data":{"a":null}}`},
		{&ConfigAlteration{config: config{OnSecrets}, Value: "x"}, `{"data":{"a":"Mw=="}}`},
	} {
		for when, midst := range map[string]bool{" before the undo": false, " in its midst": true} {
			t.Run(test.fault.Name()+when, func(t *testing.T) {
				t.Parallel()
				h, targets := app(t)
				f, ctx, target := test.fault, t.Context(), targets[test.fault.Effect().On]
				objects, err := f.Prepare(ctx, h, []Target{target})
				must(t, err)
				must(t, f.Inject(ctx, h, objects))
				var theirs string
				change := func() {
					kind := types.StrategicMergePatchType
					must(t, merge(context.Background(), h, target, kind, test.patch))
					theirs = spec(t, h, target)
				}
				undoing := h
				if midst {
					undoing = through(t, h, func(next http.RoundTripper) http.RoundTripper { return &meddler{next: next, change: change} })
				} else {
					change()
				}
				must(t, f.Undo(ctx, undoing, objects))
				must(t, f.Undo(ctx, h, objects))
				if now := spec(t, h, target); now != theirs {
					t.Errorf("it is\n%s\nthey set\n%s", now, theirs)
				}
				t.Log(proof(t, h, objects, f.Undone))
			})
		}
	}
}

// TestUndoHurtsNoNode: a node that was cordoned or tainted before, and that
// somebody else has freed while the fault was in, is not shut again by the undo.
func TestUndoHurtsNoNode(t *testing.T) {
	for _, f := range []Fault{&NodeCordon{}, &NodeTaint{Key: "axolotl.dev/chaos"}} {
		t.Run(f.Name(), func(t *testing.T) {
			h, targets := app(t)
			ctx, target := t.Context(), targets[OnNodes]
			free := spec(t, h, target)
			shut, err := f.Prepare(ctx, h, []Target{target})
			must(t, err)
			must(t, f.Inject(ctx, h, shut)) // by somebody else, once
			t.Cleanup(func() { must(t, f.Undo(context.Background(), h, shut)) })

			objects, err := f.Prepare(ctx, h, []Target{target})
			must(t, err)
			must(t, f.Inject(ctx, h, objects))
			must(t, f.Undo(ctx, h, shut))
			must(t, f.Undo(ctx, h, objects))
			if now := spec(t, h, target); now != free {
				t.Errorf("it is\n%s\nthey set\n%s", now, free)
			}
			t.Log(proof(t, h, objects, f.Undone))
		})
	}
}
