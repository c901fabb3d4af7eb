package labs

import (
	"errors"
	"testing"
)

// A watch keeps nobody from the lab, and follows what the others make of it.
func TestWatch(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, parse(t, victimLab), Options{Progress: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	w := &Watch{Handle: h, Options: Options{Progress: quiet()}}
	look := func() Sight {
		t.Helper()
		sight, err := w.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return sight
	}
	// Another window is at it: what can be seen is seen.
	if sight := look(); sight.Busy || sight.Passed || sight.Moved || len(sight.Results) != 1 || sight.Results[0].Outcome != Failed {
		t.Errorf("at first: %+v", sight)
	}
	solved(t, g, 1)
	if sight := look(); !sight.Moved || sight.Guide.Step().Name != "delete" || len(sight.Results) != 2 {
		t.Errorf("the other window went on: %+v", sight)
	}
	if err := g.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sight := look(); !sight.Moved || sight.Guide.Step().Name != "make" || sight.Guide.Namespace() != g.Namespace() {
		t.Errorf("the other window began anew: %+v", sight)
	}
	if sight := look(); sight.Moved {
		t.Errorf("nothing happened: %+v", sight)
	}
	for _, action := range g.Lab.Steps[0].Do {
		if err := g.runner.session.do(t.Context(), action); err != nil {
			t.Fatal(err)
		}
	}
	if sight := look(); sight.Passed { // it cannot be noted while the other window is at it
		t.Errorf("noted past a lock: %+v", sight)
	}
	closeGuide(t, g)
	if sight := look(); !sight.Passed {
		t.Errorf("all is done: %+v", sight)
	}

	g = resume(t, h) // the watch holds nothing
	if done := g.state.Done; !g.state.Passed || len(done) != 1 || done[0].Name != "make" {
		t.Errorf("noted: %+v", g.Status())
	}
	seen, err := SeeGuide(h, Options{})
	if err != nil || seen.Status().Step != 1 {
		t.Errorf("to look at: %v", err)
	}
	if _, _, err := seen.Check(t.Context()); !errors.Is(err, errOnlySeen) {
		t.Errorf("changed by one who only looks: %v", err)
	}
	if err := errors.Join(seen.Close(), g.Quit(t.Context()), g.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Look(t.Context()); !errors.Is(err, ErrNoGuide) {
		t.Errorf("the other window ended it: %v", err)
	}
}

// A watch begins a step that nobody has begun yet.
func TestWatchBegins(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, parse(t, victimLab), Options{Progress: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	g.state.Begun = false
	if err := g.save(); err != nil {
		t.Fatal(err)
	}
	w := &Watch{Handle: h, Options: Options{Progress: quiet()}}
	if sight, err := w.Look(t.Context()); err != nil || !sight.Busy {
		t.Errorf("another window is at it: %+v, %v", sight, err)
	}
	closeGuide(t, g)
	if sight, err := w.Look(t.Context()); err != nil || sight.Busy || len(sight.Results) != 1 {
		t.Errorf("got %+v, %v", sight, err)
	}
	g = resume(t, h)
	defer closeGuide(t, g)
	if !g.state.Begun {
		t.Error("the step has not begun")
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}
