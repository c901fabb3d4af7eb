package timeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// The fault of these tests strikes at 10 s; stamps are in seconds.
const faultAt = 10 * time.Second

func at(seconds float64, o Observation) Observation {
	o.At = time.Duration(seconds * float64(time.Second))
	return o
}

// pod makes an observation of a pod of controller "rs"; words are what is
// true of it.
func pod(uid, name string, words ...string) Observation {
	p := &Pod{UID: types.UID(uid), Namespace: "ns", Name: name, Owner: "rs"}
	for _, w := range words {
		switch w {
		case "scheduled":
			p.Node = "n1"
		case "started":
			p.Node, p.Started = "n1", true
		case "ready":
			p.Node, p.Started, p.Ready = "n1", true, true
		case "leaving":
			p.Leaving = true
		case "restarted":
			p.Restarts = 1
		default:
			panic(w)
		}
	}
	return Observation{Pod: p}
}

func gone(uid string) Observation { return Observation{PodGone: types.UID(uid)} }
func answer(from string) Observation {
	return Observation{Answer: &Answer{From: from}}
}
func slice(uids ...types.UID) Observation {
	return Observation{Slice: &Slice{Name: "s", Ready: uids}}
}

func lost(uid, name string) Pod {
	return *pod(uid, name, "ready").Pod
}

// show writes recoveries as "noticed 0.1, replaced ?, ... = total" in seconds,
// the length of each phase.
func show(rs []Recovery) string {
	var lines []string
	for _, r := range rs {
		lines = append(lines, fmt.Sprintf("%s->%s: %s", r.Lost.UID, by(r), showPhases(r.Phases, r.Total)))
	}
	return strings.Join(lines, "\n")
}

func by(r Recovery) string {
	if r.By == nil {
		return "none"
	}
	s := string(r.By.UID)
	if r.Relapses > 0 {
		s += fmt.Sprintf(" (%d relapses)", r.Relapses)
	}
	return s
}

func showPhases(ps []Phase, total time.Duration) string {
	var parts []string
	for _, p := range ps {
		took := "?"
		if p.Known {
			took = fmt.Sprintf("%g", p.Took().Seconds())
		}
		if p.Late > 0 {
			took += fmt.Sprintf("(-%g)", p.Late.Seconds())
		}
		parts = append(parts, fmt.Sprintf("%s %s", p.Name, took))
	}
	return strings.Join(parts, ", ") + fmt.Sprintf(" = %g", total.Seconds())
}

func TestPods(t *testing.T) {
	a, b := lost("a", "web-a"), lost("b", "web-b")
	healed := []Observation{
		at(1, pod("a", "web-a", "ready")),
		at(1.5, slice("a")),
		at(10.5, pod("a", "web-a", "ready", "leaving")),
		at(11, pod("c", "web-c")),
		at(12, pod("c", "web-c", "scheduled")),
		at(12.5, slice()),
		at(15, pod("c", "web-c", "started")),
		at(16, pod("c", "web-c", "ready")),
		at(16.5, slice("c")),
		at(17, answer("web-c")),
		at(40, gone("a")),
	}
	tests := []struct {
		name string
		lost []Pod
		seen []Observation
		want string
	}{
		{"healed", []Pod{a}, healed,
			"a->c: noticed 0.5, replaced 0.5, scheduled 1, started 3, ready 1, serving 1 = 7"},
		{"nothing seen: all unknown, nothing zero", []Pod{a}, nil,
			"a->none: noticed ?, replaced ?, scheduled ?, started ?, ready ?, serving ? = 0"},
		{"its controller lets go of it: it runs, and is lost", []Pod{a}, []Observation{
			at(1, pod("a", "web-a", "ready")),
			at(10.5, Observation{Pod: &Pod{UID: "a", Namespace: "ns", Name: "web-a", Node: "n1", Started: true, Ready: true}}),
			at(11, pod("c", "web-c", "ready")),
		}, "a->c: noticed 0.5, replaced 0.5, scheduled 0, started 0, ready 0, serving ? = 1"},
		{"no effect", []Pod{a}, []Observation{at(1, pod("a", "web-a", "ready")), at(11, pod("a", "web-a", "ready"))},
			"a->none: noticed ?, replaced ?, scheduled ?, started ?, ready ?, serving ? = 0"},
		{"never ready", []Pod{a}, []Observation{
			at(10.5, gone("a")), at(11, pod("c", "web-c")), at(12, pod("c", "web-c", "started")),
		}, "a->c: noticed 0.5, replaced 0.5, scheduled 1, started 0, ready ?, serving ? = 2"},
		{"started never seen: the next phase has its time", []Pod{a}, []Observation{
			at(10.5, gone("a")), at(11, pod("c", "web-c", "scheduled")),
			at(14, Observation{Pod: &Pod{UID: "c", Namespace: "ns", Name: "web-c", Owner: "rs", Node: "n1", Ready: true}}),
		}, "a->c: noticed 0.5, replaced 0.5, scheduled 0, started ?, ready 3, serving ? = 4"},
		{"ready and lost again, and ready for good", []Pod{a}, []Observation{
			at(10.5, gone("a")), at(11, pod("c", "web-c", "ready")), at(11.5, slice("c")), at(11.6, answer("web-c")),
			at(13, pod("c", "web-c", "started")), at(13.1, slice()), at(13.2, answer("web-c")),
			at(20, pod("c", "web-c", "ready")), at(20.5, slice("c")), at(21, answer("web-c")),
		}, "a->c (1 relapses): noticed 0.5, replaced 0.5, scheduled 0, started 0, ready 9, serving 1 = 11"},
		{"ready and lost again, not back", []Pod{a}, []Observation{
			at(10.5, gone("a")), at(11, pod("c", "web-c", "ready")), at(13, pod("c", "web-c", "started")),
		}, "a->c (1 relapses): noticed 0.5, replaced 0.5, scheduled 0, started 0, ready ?, serving ? = 1"},
		{"the replacement is lost too", []Pod{a}, []Observation{
			at(10.5, gone("a")), at(11, pod("c", "web-c", "ready")), at(13, gone("c")), at(14, pod("d", "web-d", "ready")),
		}, "a->d (1 relapses): noticed 0.5, replaced 3.5, scheduled 0, started 0, ready 0, serving ? = 4"},
		{"the replacement's replacement precedes its removal", []Pod{a}, []Observation{
			at(10.5, gone("a")), at(11, pod("c", "web-c", "ready")), at(12.9, pod("d", "web-d", "ready")), at(13, gone("c")),
		}, "a->d (1 relapses): noticed 0.5, replaced 2.4, scheduled 0, started 0, ready 0, serving ? = 2.9"},
		{"replacement precedes the old pod's removal", []Pod{a}, []Observation{
			at(10.2, pod("c", "web-c", "ready")), at(10.5, gone("a")),
		}, "a->c: noticed 0.2, replaced 0, scheduled 0, started 0, ready 0, serving ? = 0.2"},
		{"StatefulSet: the same name, old answers do not count", []Pod{lost("a", "web-0")}, []Observation{
			at(10.5, pod("a", "web-0", "ready", "leaving")), at(10.6, answer("web-0")), at(12, gone("a")),
			at(12.1, pod("a2", "web-0")), at(12.2, answer("web-0")), at(13, pod("a2", "web-0", "ready")),
			at(13.5, slice("a2")), at(14, answer("web-0")),
		}, "a->a2: noticed 0.5, replaced 1.6, scheduled 0.9, started 0, ready 0, serving 1 = 4"},
		{"two StatefulSet pods: each its own name", []Pod{lost("a", "web-0"), lost("b", "web-1")}, []Observation{
			at(10.5, gone("a")), at(10.6, gone("b")), at(11, pod("b2", "web-1", "ready")), at(12, pod("a2", "web-0", "ready")),
		}, "a->a2: noticed 0.5, replaced 1.5, scheduled 0, started 0, ready 0, serving ? = 2\n" +
			"b->b2: noticed 0.6, replaced 0.4, scheduled 0, started 0, ready 0, serving ? = 1"},
		{"two lost at once, one comes back", []Pod{b, a}, []Observation{
			at(10.5, gone("a")), at(10.4, gone("b")), at(11, pod("c", "web-c", "ready")),
		}, "b->none: noticed 0.4, replaced ?, scheduled ?, started ?, ready ?, serving ? = 0.4\n" +
			"a->c: noticed 0.5, replaced 0.5, scheduled 0, started 0, ready 0, serving ? = 1"},
		{"endpoints and answers precede the pod's own news", []Pod{a}, []Observation{
			at(10.5, gone("a")), at(11, pod("c", "web-c", "scheduled")), at(12, slice("c")), at(12.1, answer("web-c")),
			at(12.3, pod("c", "web-c", "ready")),
		}, "a->c: noticed 0.5, replaced 0.5, scheduled 0, started 1.1, ready 0, serving 0 = 2.1"},
		{"answers of others do not make it serve", []Pod{a}, append(healed[:9:9], at(17, answer("web-b"))),
			"a->c: noticed 0.5, replaced 0.5, scheduled 1, started 3, ready 1, serving ? = 6"},
		{"an application that does not tell who it is", []Pod{a}, append(healed[:9:9], at(16.2, answer("")), at(17, answer(""))),
			"a->c: noticed 0.5, replaced 0.5, scheduled 1, started 3, ready 1, serving 1 = 7"},
		{"another controller's pod is no replacement", []Pod{a}, []Observation{
			at(10.5, gone("a")), at(11, Observation{Pod: &Pod{UID: "x", Namespace: "ns", Name: "x", Owner: "other", Ready: true}}),
		}, "a->none: noticed 0.5, replaced ?, scheduled ?, started ?, ready ?, serving ? = 0.5"},
		{"a pod that was there before is no replacement", []Pod{a}, []Observation{
			at(1, pod("b", "web-b", "ready")), at(10.5, gone("a")), at(11, pod("b", "web-b", "ready")),
		}, "a->none: noticed 0.5, replaced ?, scheduled ?, started ?, ready ?, serving ? = 0.5"},
		{"back in place", []Pod{a}, []Observation{
			at(1, pod("a", "web-a", "ready")), at(1, slice("a")),
			at(12, pod("a", "web-a", "started")), at(12.1, slice()),
			at(20, pod("a", "web-a", "restarted", "started")), at(21, pod("a", "web-a", "restarted", "ready")),
			at(21.5, slice("a")), at(22, answer("web-a")),
		}, "a->a: noticed 2, started 8, ready 1, serving 1 = 12"},
		{"a dropped watch: later stamps say how late they may be", []Pod{a}, []Observation{
			at(10.5, gone("a")), at(11, pod("c", "web-c", "scheduled")),
			{At: 20 * time.Second, Late: 6 * time.Second, Pod: pod("c", "web-c", "ready").Pod},
		}, "a->c: noticed 0.5, replaced 0.5, scheduled 0, started 9(-6), ready 0(-6), serving ? = 10"},
		{"seen leaving before the fault: not the fault's doing", []Pod{a}, []Observation{
			at(9, pod("a", "web-a", "leaving")), at(11, pod("c", "web-c", "ready")),
		}, "a->c: noticed ?, replaced 1, scheduled 0, started 0, ready 0, serving ? = 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := show(Pods(Fault{At: faultAt, Lost: test.lost}, test.seen))
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestPhaseSaysWhatItIncludes(t *testing.T) {
	r := Pods(Fault{At: faultAt, Lost: []Pod{lost("a", "web-a")}}, []Observation{
		at(11, pod("c", "web-c", "ready")),
	})[0]
	if p := r.Phases[1]; p.Name != Replaced || len(p.Includes) != 1 || p.Includes[0] != Noticed {
		t.Errorf("the phase after an unknown one is %+v", p)
	}
}
