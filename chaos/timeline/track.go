package timeline

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// track is what was seen of one pod. Its stamps are of the hold that lasts:
// who was ready, lost it and is ready again is ready since the second time.
type track struct {
	pod      Pod
	uid      types.UID
	first    stamp // its object
	noticed  stamp // leaving, gone, or no longer ready, after the fault
	left     stamp // leaving or gone
	node     stamp
	started  stamp
	ready    stamp
	endpoint stamp // among the ready endpoints
	answered stamp // gave an answer while ready
	lapses   int   // times that it was ready and lost it
}

// see takes in one state of the pod.
func (t *track) see(p Pod, s stamp, fault time.Duration) {
	before := t.pod
	wasSeen := t.first.known
	t.pod = p
	if !wasSeen {
		t.first = s
	}
	hold(&t.node, p.Node != "", s)
	if wasSeen && p.Restarts > before.Restarts {
		t.started = stamp{} // other containers than those that ran
		t.lose(s, fault)
	}
	hold(&t.started, p.Started, s)
	if t.ready.known && !p.Ready {
		t.lose(s, fault)
	}
	hold(&t.ready, p.Ready && !p.Leaving, s)
	if p.Leaving || before.Owner != "" && p.Owner == "" { // its controller let go of it
		t.leave(s, fault)
	}
}

// leave notes that the pod is on its way out, or out.
func (t *track) leave(s stamp, fault time.Duration) {
	if !t.left.known {
		t.left = s
	}
	t.lose(s, fault)
}

// lose notes that the pod does not serve any more.
func (t *track) lose(s stamp, fault time.Duration) {
	if !t.noticed.known && s.at >= fault {
		t.noticed = s
	}
	if t.ready.known && s.at >= fault {
		t.lapses++
	}
	t.ready, t.answered = stamp{}, stamp{}
}

// endpoints takes in whether the pod is among the ready endpoints.
func (t *track) endpoints(in bool, s stamp) {
	if !in {
		t.answered = stamp{}
	}
	hold(&t.endpoint, in, s)
}

// answer takes in an answer of the service. One that came before the pod was
// known as ready is not its own: a StatefulSet's old pod has the same name.
func (t *track) answer(a Answer, s stamp) {
	named := a.From != ""
	switch {
	case t.answered.known || t.left.known:
	case named && a.From == t.pod.Name && (t.ready.known || t.endpoint.known):
		t.answered = s
	case !named && t.ready.known && t.endpoint.known:
		t.answered = s
	}
}

// serving is since when a client is served by this pod.
func (t *track) serving() stamp {
	if !t.endpoint.known || !t.answered.known {
		return stamp{}
	}
	return t.answered
}

// hold keeps the start of a state for as long as the state lasts.
func hold(since *stamp, holds bool, s stamp) {
	if !holds {
		*since = stamp{}
	} else if !since.known {
		*since = s
	}
}

// sorted returns observations in the order of their stamps.
func sorted(observations []Observation) []Observation {
	out := slices.Clone(observations)
	slices.SortStableFunc(out, func(a, b Observation) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
	return out
}
