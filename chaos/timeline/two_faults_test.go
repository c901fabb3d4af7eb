package timeline

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTwoFaults: of one log each fault tells what came of it, from its own instant on.
// The second takes the pod that had replaced the first's, and the node that was back,
// and others of another controller, which are no business of the first.
func TestTwoFaults(t *testing.T) {
	other := func(uid string, words ...string) Observation {
		o := pod(uid, "db-"+uid, words...)
		o.Pod.Owner = "other"
		return o
	}
	on := func(name, boot string, ready bool) Observation {
		return Observation{Node: &Node{UID: "u-n1", Name: name, Ready: ready, BootID: boot}}
	}
	log := []Observation{
		at(1, pod("a", "web-a", "ready")), at(1.1, other("x", "ready")), at(1.2, on("n1", "boot1", true)),
		// The first fault, at 10 s.
		at(10.5, gone("a")), at(11, pod("c", "web-c", "scheduled")), at(13, pod("c", "web-c", "ready")),
		at(20, on("n1", "boot1", false)), at(25, on("n1", "boot2", true)),
		// The second one, at 30 s.
		at(31, gone("c")), at(31.5, gone("x")),
		at(32, pod("d", "web-d", "ready")), at(33, other("y", "scheduled")), at(36, other("y", "ready")),
		at(50, on("n1", "boot2", false)), at(58, on("n1", "boot3", true)),
	}
	firstly := Fault{At: faultAt, Boots: true, Lost: []Pod{lost("a", "web-a")}, Nodes: []Node{*on("n1", "boot1", true).Node}}
	secondly := Fault{At: 30 * time.Second, Boots: true, Lost: []Pod{lost("c", "web-c"), *other("x", "ready").Pod}, Nodes: []Node{*on("n1", "boot2", true).Node}}
	until := slices.DeleteFunc(slices.Clone(log), func(o Observation) bool { return o.At >= secondly.At })
	tell := func(f Fault, seen []Observation) string {
		n := Nodes(f, seen)[0]
		return show(Pods(f, seen)) + "\n" + n.BootID + ": " + showPhases(n.Phases, n.Total)
	}
	for _, test := range []struct {
		name  string
		fault Fault
		seen  []Observation
		want  string
	}{
		{"the first, until the second", firstly, until, `
a->c: noticed 0.5, replaced 0.5, scheduled 0, started 2, ready 0, serving ? = 3
boot2: down ?, not ready 10, powered ?, ready 5 = 15`},
		{"the second", secondly, log, `
c->d: noticed 1, replaced 1, scheduled 0, started 0, ready 0, serving ? = 2
x->y: noticed 1.5, replaced 1.5, scheduled 0, started 3, ready 0, serving ? = 6
boot3: down ?, not ready 20, powered ?, ready 8 = 28`},
		{"the first, to the end: what took its place is lost, and back", firstly, log, `
a->d (1 relapses): noticed 0.5, replaced 21.5, scheduled 0, started 0, ready 0, serving ? = 22
boot3: down ?, not ready 10, powered ?, ready 38 = 48`},
	} {
		if got := tell(test.fault, test.seen); got != strings.TrimPrefix(test.want, "\n") {
			t.Errorf("%s: got\n%s\nwant%s", test.name, got, test.want)
		}
	}
}
