package timeline

import (
	"slices"
	"time"
)

// Whole is how all that was lost came back, as one: a milestone is reached when the
// last of them has come to it. Its phases add up as those of each do.
type Whole struct {
	Of     int           `json:"of"` // how many were seen to be lost
	Phases []Phase       `json:"phases"`
	Total  time.Duration `json:"totalNs"`
}

// AllPods is the timeline of several lost pods as a whole; of one it is that one's.
func AllPods(recoveries []Recovery) Whole {
	var ladders ladders
	for _, r := range recoveries {
		ladders.add(r.Phases)
	}
	var all []rung
	for _, m := range PodMilestones {
		if seen, part := ladders.latest(m); part {
			all = append(all, rung{m, seen})
		}
	}
	return ladders.whole(all)
}

// AllNodes is the timeline of several lost nodes as a whole; of one it is that one's.
func AllNodes(recoveries []NodeRecovery) Whole {
	var ladders ladders
	for _, r := range recoveries {
		ladders.add(r.Phases)
	}
	seen := map[Milestone]stamp{}
	for _, m := range NodeMilestones {
		if ladders.all(m) {
			seen[m], _ = ladders.latest(m)
		}
	}
	return ladders.whole(nodeLadder(seen[Down], seen[NotReady], seen[Tainted], seen[Evicted], seen[Powered], seen[Ready]))
}

// ladders are the phases of each that was seen to be lost. What was in reach of a
// fault and was not hurt has nothing to come back from.
type ladders [][]Phase

func (l *ladders) add(phases []Phase) {
	if slices.ContainsFunc(phases, func(p Phase) bool { return p.Known }) {
		*l = append(*l, phases)
	}
}

// all tells whether a milestone is a part of each of the ladders.
func (l ladders) all(m Milestone) bool {
	return !slices.ContainsFunc(l, func(phases []Phase) bool {
		return !slices.ContainsFunc(phases, func(p Phase) bool { return p.Name == m })
	})
}

func (l ladders) whole(rungs []rung) Whole {
	if len(l) == 0 {
		return Whole{}
	}
	w := Whole{Of: len(l), Phases: phases(0, rungs)}
	w.Total = total(w.Phases)
	return w
}

// latest is when the last of the ladders had come to a milestone, and whether it is
// a part of any of them. One that came back itself has not been replaced: it is so
// far once it is noticed. What is not known of one is not known of all.
func (l ladders) latest(m Milestone) (seen stamp, part bool) {
	unknown := false
	for _, phases := range l {
		i := slices.IndexFunc(phases, func(p Phase) bool { return p.Name == m })
		part = part || i >= 0
		p := phases[max(i, 0)]
		unknown = unknown || !p.Known
		if p.Known && (!seen.known || p.To > seen.at) {
			seen = stamp{at: p.To, late: p.Late, known: true}
		}
	}
	if unknown {
		return stamp{}, part
	}
	return seen, part
}
