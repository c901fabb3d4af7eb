package chaos

import (
	"context"
	"errors"
	"testing"

	"axolotl/chaos/fault"
)

func TestBounds(t *testing.T) {
	e, err := Open("pod-deletion")
	if err != nil {
		t.Fatal(err)
	}
	if err := (*Bounds)(nil).check(e); err != nil {
		t.Errorf("no bounds refuse: %v", err)
	}
	refusedBy(t, (&Bounds{Faults: []string{"node-cordon"}}).check(e), "bounds")
	b := &Bounds{Faults: []string{"node-cordon", "pod-deletion"}, Namespaces: []string{"ours"}, NoApp: true}
	refusedBy(t, b.check(e), "bounds") // it puts up an app
	for namespace, refused := range map[string]bool{"ours": true, "theirs": false} {
		if err := (Overrides{Namespace: namespace, Deployment: "web"}).Apply(e); err != nil {
			t.Fatal(err)
		}
		if err := b.check(e); (err != nil) != refused {
			t.Errorf("namespace %s: %v", namespace, err)
		}
	}
	game, err := Open("game-day")
	if err != nil {
		t.Fatal(err)
	}
	refusedBy(t, (&Bounds{Faults: []string{"pod-deletion"}}).check(game), "bounds") // one of its steps cannot be had
}

// A node from which nothing of ours may be taken is left out where the fault
// takes pods, and only there.
func TestSparedNodes(t *testing.T) {
	nodes := []fault.Target{{Kind: fault.OnNodes, Name: "a"}, {Kind: fault.OnNodes, Name: "b"}}
	b := &Bounds{Spared: func(context.Context) (map[string]bool, error) { return map[string]bool{"a": true, "b": false}, nil }}
	for name, want := range map[string]int{"node-drain": 1, "node-taint": 1, "node-cordon": 2, "pod-deletion": 2} {
		f, err := fault.New(name)
		if err != nil {
			t.Fatal(err)
		}
		if left, err := b.spare(t.Context(), f, nodes); err != nil || len(left) != want {
			t.Errorf("%s: %v, %v", name, left, err)
		}
	}
	broken := errors.New("no answer")
	b.Spared = func(context.Context) (map[string]bool, error) { return nil, broken }
	if _, err := b.spare(t.Context(), &fault.NodeDrain{}, nodes); !errors.Is(err, broken) {
		t.Errorf("where nobody knows: %v", err)
	}
}
