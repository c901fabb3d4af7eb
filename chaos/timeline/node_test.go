package timeline

import (
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"
)

func node(ready bool, boot string) Observation {
	return Observation{Node: &Node{UID: "u1", Name: "n1", Ready: ready, BootID: boot}}
}

// tainted is a node that its pods are to leave.
func tainted(ready bool, boot string) Observation {
	o := node(ready, boot)
	o.Node.Taints = []string{"node.kubernetes.io/unreachable"}
	return o
}

func power(on bool) Observation {
	return Observation{Machine: &Machine{Node: "n1", On: on}}
}

func TestNodes(t *testing.T) {
	before := at(1, node(true, "boot1"))
	type nodeTest struct {
		name string
		seen []Observation
		want string
		same bool // it may come back in the boot that it was in
	}
	tests := []nodeTest{
		{name: "Ready again in the same boot, that began before the fault", seen: []Observation{before, at(10.5, power(false)), at(50, node(false, "boot1")),
			at(60, power(true)), at(70, node(true, "boot1"))},
			want: "down 0.5, not ready 39.5, powered 10, ready ? = 50"},
		{name: "and then in another one", seen: []Observation{before, at(50, node(false, "boot1")), at(70, node(true, "boot1")),
			at(80, node(true, "boot2"))},
			want: "down ?, not ready 40, powered ?, ready 30 = 70"},
		{name: "where it may: it was out of contact, or thawed", same: true, seen: []Observation{before, at(50, node(false, "boot1")), at(70, node(true, "boot1"))},
			want: "down ?, not ready 40, powered ?, ready 20 = 60"},
		{name: "told that it was off after a fast boot", seen: []Observation{before, at(20, node(true, "boot2")), at(22, power(false)), at(22.5, power(true))},
			want: "down 10, powered 0, not ready ?, ready 0 = 10"},
		{name: "missed, then powered", seen: []Observation{before, at(10.5, power(false)), at(50, node(false, "boot1")),
			at(60, power(true)), at(90, node(true, "boot2"))},
			want: "down 0.5, not ready 39.5, powered 10, ready 30 = 80"},
		{name: "powered before it was missed", seen: []Observation{before, at(10.5, power(false)), at(20, power(true)),
			at(50, node(false, "boot1")), at(90, node(true, "boot2"))},
			want: "down 0.5, powered 9.5, not ready 30, ready 40 = 80"},
		{name: "never missed: another boot is the sign of life", seen: []Observation{before, at(10.5, power(false)),
			at(20, power(true)), at(25, node(true, "boot1")), at(40, node(true, "boot2"))},
			want: "down 0.5, powered 9.5, not ready ?, ready 20 = 30"},
		{name: "a stale Ready is not a return", seen: []Observation{before, at(10.5, power(false)), at(20, node(true, "boot1"))},
			want: "down 0.5, not ready ?, powered ?, ready ? = 0.5"},
		{name: "ready and lost again", seen: []Observation{before, at(10.5, power(false)), at(20, power(true)),
			at(40, node(true, "boot2")), at(45, node(false, "boot2")), at(60, node(true, "boot2"))},
			want: "down 0.5, powered 9.5, not ready 25, ready 15 = 50"},
	}
	leaving := func(uid string) Observation { return pod(uid, uid, "ready", "leaving") }
	tests = append(tests, []nodeTest{
		{name: "tainted, and its pods evicted", seen: []Observation{before, at(5, pod("a", "a", "ready")), at(10.5, power(false)), at(50, node(false, "boot1")),
			at(51, tainted(false, "boot1")), at(350, leaving("a")), at(351, leaving("b")), at(360, power(true)), at(390, node(true, "boot2"))},
			want: "down 0.5, not ready 39.5, tainted 1, evicted 299, powered 10, ready 30 = 380"},
		{name: "tainted when it was seen to be missed", seen: []Observation{before, at(50, tainted(false, "boot1")), at(60, power(true)), at(90, node(true, "boot2"))},
			want: "down ?, not ready 40, tainted 0, powered 10, ready 30 = 80"},
		{name: "powered before it was tainted", seen: []Observation{before, at(10.5, power(false)), at(50, node(false, "boot1")), at(50.5, power(true)),
			at(51, tainted(false, "boot1")), at(90, node(true, "boot2"))},
			want: "down 0.5, not ready 39.5, powered 0.5, tainted 0.5, ready 39 = 80"},
		{name: "pods that went before, of others, or when it was back", seen: []Observation{before, at(11, leaving("a")), at(50, tainted(false, "boot1")),
			at(55, leaving("a")), at(56, Observation{Pod: &Pod{UID: "x", Node: "n2", Leaving: true}}), at(90, tainted(true, "boot2")), at(91, leaving("c"))},
			want: "down ?, not ready 40, tainted 0, powered ?, ready 40 = 80"},
	}...)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fault := Fault{At: faultAt, Nodes: []Node{*before.Node}, Boots: !test.same}
			got := Nodes(fault, test.seen)[0]
			if s := showPhases(got.Phases, got.Total); s != test.want {
				t.Errorf("got\n%s\nwant\n%s", s, test.want)
			}
		})
	}
}

// stepped is an instant whose wall clock has been set, and whose monotonic reading has
// not: time offers no way to make one, so its representation is changed, which the test
// that uses it checks.
func stepped(t time.Time, by time.Duration) time.Time {
	type representation struct { // of time.Time with a monotonic reading
		wall uint64 // a flag, 33 bits of seconds, 30 of nanoseconds
		ext  int64  // the monotonic reading
		loc  *time.Location
	}
	r := (*representation)(unsafe.Pointer(&t))
	r.wall += uint64(int64(by/time.Second)) << 30
	return t
}

func TestLogStampsAreMonotonicAndDistinct(t *testing.T) {
	clock := time.Now()
	if set := stepped(clock, -time.Hour); set.Sub(clock) != 0 || clock.Round(0).Sub(set.Round(0)) != time.Hour {
		t.Fatal("this is no instant whose wall clock alone was set")
	}
	log := NewLog(func() time.Time { return clock })
	log.Add(answer("a"), answer("b"))
	clock = stepped(clock.Add(time.Minute), -time.Hour) // the host's clock is set back, a minute later
	log.Add(answer("c"))
	clock = stepped(clock.Add(time.Minute), 3*time.Hour)
	log.Add(answer("d"))
	var got []time.Duration
	for _, e := range log.Entries() {
		got = append(got, e.At)
	}
	if want := []time.Duration{0, 1, time.Minute, 2 * time.Minute}; !slices.Equal(got, want) {
		t.Errorf("stamps %v, want %v", got, want)
	}
	if at := log.At(clock); at != 2*time.Minute {
		t.Errorf("the instant itself is at %v", at)
	}
}

// A node's signs of life are told beside its phases, which they do not change.
func TestSignsOfLife(t *testing.T) {
	before := at(1, node(true, "boot1"))
	sign := Observation{Lease: &Lease{"n1"}}
	late := at(62, sign)
	late.Late = 30 * time.Second // perhaps of before it was lost
	fault := Fault{At: faultAt, Nodes: []Node{*before.Node}}
	story := []Observation{before, at(40, node(false, "boot1")), at(90, node(true, "boot1"))}
	plain := Nodes(fault, story)[0]
	if plain.LastSign != nil || plain.FirstSign != nil {
		t.Errorf("where nobody told: %v, %v", plain.LastSign, plain.FirstSign)
	}
	for name, test := range map[string]struct {
		signs       []Observation
		last, first string
	}{
		"before the fault and after it": {[]Observation{at(3, sign), at(8, sign), at(80, sign), at(88, sign)}, "-2s", "1m10s"},
		"once more after the fault":     {[]Observation{at(8, sign), at(12, sign)}, "2s", "<nil>"},
		"of another node":               {[]Observation{at(80, Observation{Lease: &Lease{"n2"}})}, "<nil>", "<nil>"},
		"told late":                     {[]Observation{at(8, sign), late, at(81, sign)}, "-2s", "1m11s"},
	} {
		got := Nodes(fault, append(slices.Clone(story), test.signs...))[0]
		word := func(d *time.Duration) string {
			if d == nil {
				return "<nil>"
			}
			return d.String()
		}
		if word(got.LastSign) != test.last || word(got.FirstSign) != test.first {
			t.Errorf("%s: last %s, first %s; want %s, %s", name, word(got.LastSign), word(got.FirstSign), test.last, test.first)
		}
		if !reflect.DeepEqual(got.Phases, plain.Phases) || got.Total != plain.Total {
			t.Errorf("%s: the phases are %+v", name, got.Phases)
		}
	}
}
