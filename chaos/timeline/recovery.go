package timeline

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Fault is where a timeline starts.
type Fault struct {
	// At is the instant just before the fault was injected.
	At time.Duration
	// Lost are the pods that it takes, as they were before.
	Lost []Pod
	// Nodes are the nodes that it takes, as they were before.
	Nodes []Node
	// Boots: what ran on them starts anew, so that a node that is Ready in the boot of
	// before has not come back, whatever was said of it meanwhile.
	Boots bool
}

// Recovery is how the place of one lost pod was filled again.
type Recovery struct {
	Lost Pod `json:"lost"`

	// By is the pod that holds the place now; nil: none. It is the lost pod
	// itself where that came back.
	By *Pod `json:"by,omitempty"`

	// InPlace: the lost pod came back, it was not replaced.
	InPlace bool `json:"inPlace,omitempty"`

	Phases []Phase `json:"phases"`

	// Total is from the fault to the last milestone that is known: the sum of
	// the phases.
	Total time.Duration `json:"totalNs"`

	// Relapses counts how often the place was ready again and lost once more
	// before the hold that the phases tell of.
	Relapses int `json:"relapses,omitempty"`
}

// Reached tells whether the recovery has come to a milestone.
func (r Recovery) Reached(m Milestone) bool { return reached(r.Phases, m) }

// Pods tells for each lost pod, in the order of fault.Lost, how its place was
// filled. The observations may be in any order.
//
// A pod of the same controller that is first seen after the fault fills a
// place: the one that its name belongs to (StatefulSet), else the one that has
// been open the longest, else the first by name. Where it is lost in its turn
// the place is open again.
func Pods(fault Fault, observations []Observation) []Recovery {
	b := newBuilder(fault)
	b.named = slices.ContainsFunc(observations, func(o Observation) bool { return o.Answer != nil && o.Answer.From != "" })
	for _, o := range sorted(observations) {
		b.see(o)
	}
	out := make([]Recovery, len(b.places))
	for i, p := range b.places {
		out[i] = b.recovery(p)
	}
	return out
}

// place is what a lost pod leaves open for another one.
type place struct {
	lost     Pod
	open     time.Duration // since when
	holder   *track        // nil: open
	relapses int
}

type builder struct {
	fault  time.Duration
	places []*place
	tracks map[types.UID]*track
	slices map[string][]types.UID
	spare  []*track // new pods that no place was open for, oldest first
	named  bool     // answers tell whose they are; one that does not proves nothing
}

func newBuilder(fault Fault) *builder {
	b := &builder{fault: fault.At, tracks: map[types.UID]*track{}, slices: map[string][]types.UID{}}
	for _, lost := range fault.Lost {
		b.places = append(b.places, &place{lost: lost, open: fault.At})
	}
	return b
}

func (b *builder) track(uid types.UID) *track {
	t := b.tracks[uid]
	if t == nil {
		t = &track{uid: uid}
		b.tracks[uid] = t
	}
	return t
}

func (b *builder) see(o Observation) {
	s := stamp{at: o.At, late: o.Late, known: true}
	switch {
	case o.Pod != nil:
		t := b.track(o.Pod.UID)
		isNew := !t.first.known && o.At > b.fault
		t.see(*o.Pod, s, b.fault)
		if isNew && !o.Pod.Leaving {
			b.arrive(t)
		}
		b.reopen(t, o.At)
	case o.PodGone != "":
		t := b.track(o.PodGone)
		t.leave(s, b.fault)
		b.reopen(t, o.At)
	case o.Slice != nil:
		b.slices[o.Slice.Name] = o.Slice.Ready
		b.endpoints(s)
	case o.Answer != nil && (o.Answer.From != "" || !b.named):
		for _, t := range b.tracks {
			t.answer(*o.Answer, s)
		}
	}
}

// endpoints tells every pod whether it is in any of the slices.
func (b *builder) endpoints(s stamp) {
	ready := map[types.UID]bool{}
	for _, uids := range b.slices {
		for _, uid := range uids {
			ready[uid] = true
			b.track(uid)
		}
	}
	for uid, t := range b.tracks {
		t.endpoints(ready[uid], s)
	}
}

// arrive gives a new pod a place, or keeps it for one that opens later.
func (b *builder) arrive(t *track) {
	if slices.ContainsFunc(b.places, func(p *place) bool { return p.lost.UID == t.uid }) {
		return // a lost pod that was never seen before
	}
	if p := b.openFor(t.pod); p != nil {
		p.holder = t
		return
	}
	b.spare = append(b.spare, t)
}

// openFor is the place that a pod fills, or nil.
func (b *builder) openFor(pod Pod) *place {
	var fits []*place
	for _, p := range b.places {
		if p.holder != nil || pod.Owner == "" || p.lost.Owner != pod.Owner || p.lost.Namespace != pod.Namespace {
			continue
		}
		if p.lost.Name == pod.Name {
			return p
		}
		fits = append(fits, p)
	}
	if len(fits) == 0 {
		return nil
	}
	return slices.MinFunc(fits, func(x, y *place) int {
		return cmp.Or(cmp.Compare(x.open, y.open), cmp.Compare(x.lost.Name, y.lost.Name), cmp.Compare(x.lost.UID, y.lost.UID))
	})
}

// reopen takes the place from a pod that leaves, and gives it to a spare one.
func (b *builder) reopen(t *track, at time.Duration) {
	if !t.left.known {
		return
	}
	for _, p := range b.places {
		if p.holder != t {
			continue
		}
		p.holder = nil
		p.open = at
		p.relapses += t.lapses
		for i, s := range b.spare {
			if !s.left.known && b.openFor(s.pod) == p {
				p.holder = s
				b.spare = slices.Delete(b.spare, i, i+1)
				break
			}
		}
	}
}

func (b *builder) recovery(p *place) Recovery {
	lost := b.track(p.lost.UID)
	r := Recovery{Lost: p.lost, Relapses: p.relapses}
	ladder := []rung{{Noticed, lost.noticed}}
	switch {
	case p.holder != nil:
		t := p.holder
		by := t.pod
		r.By = &by
		r.Relapses += t.lapses
		ladder = append(ladder,
			rung{Replaced, t.first}, rung{Scheduled, t.node}, rung{Started, t.started},
			rung{Ready, t.ready}, rung{Serving, t.serving()})
	case lost.noticed.known && !lost.left.known:
		by := lost.pod
		r.By, r.InPlace = &by, true
		r.Relapses += max(lost.lapses-1, 0)
		ladder = append(ladder,
			rung{Started, after(lost.started, lost.noticed)},
			rung{Ready, lost.ready}, rung{Serving, lost.serving()})
	default:
		for _, m := range []Milestone{Replaced, Scheduled, Started, Ready, Serving} {
			ladder = append(ladder, rung{name: m})
		}
	}
	r.Phases = phases(b.fault, ladder)
	r.Total = total(r.Phases)
	return r
}

// after is s, or unknown where s is older than what it must follow.
func after(s, than stamp) stamp {
	if s.known && s.at < than.at {
		return stamp{}
	}
	return s
}
