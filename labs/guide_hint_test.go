package labs

import (
	"testing"
)

// Who reads the last hint again pays for it once.
func TestLastHintCountsOnce(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, oneStep(t, `
    check: [{object: {kind: ConfigMap, name: never}}]
    hint: [{en: first, es: primera}, {en: last, es: última}]
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	for _, want := range []string{"first", "last", "last", "last"} {
		if hint, err := g.Hint(t.Context()); err != nil || hint != want {
			t.Errorf("hint %q, %v; want %q", hint, err, want)
		}
	}
	if g.state.Hints != 2 {
		t.Errorf("%d hints were shown, there are 2", g.state.Hints)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}
