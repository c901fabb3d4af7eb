package chaos

import (
	"fmt"
	"slices"
	"time"

	"axolotl/chaos/timeline"
)

// Recovered is how what a fault took came back, each pod and each node, and all of
// them as one where there are several.
type Recovered struct {
	Pods     []timeline.Recovery     `json:"pods,omitempty"`
	AllPods  *timeline.Whole         `json:"allPods,omitempty"`
	Nodes    []timeline.NodeRecovery `json:"nodes,omitempty"`
	AllNodes *timeline.Whole         `json:"allNodes,omitempty"`
}

// recovered tells it of what was seen so far. The undo is no part of it: with a
// torn-off label put back, the controller has a pod too many, and may well delete
// the new one.
func (r *run) recovered() Recovered {
	healing := r.log.Entries()
	if r.healed != nil {
		healing = slices.DeleteFunc(healing, func(o timeline.Observation) bool { return o.At > r.watched })
	}
	all := Recovered{Pods: timeline.Pods(r.fault, healing), Nodes: timeline.Nodes(r.fault, healing)}
	all.AllPods, all.AllNodes = several(timeline.AllPods(all.Pods)), several(timeline.AllNodes(all.Nodes))
	return all
}

// several is the timeline of a whole that is more than one of its parts.
func several(w timeline.Whole) *timeline.Whole {
	if w.Of < 2 {
		return nil
	}
	return &w
}

// end is that of the last phase that is known.
func (r Recovered) end() time.Duration {
	var last time.Duration
	for _, p := range r.Pods {
		last = max(last, p.Total)
	}
	for _, n := range r.Nodes {
		last = max(last, n.Total)
	}
	return last
}

// lane is one timeline of those that are drawn below each other.
type lane struct {
	title, about string
	phases       []timeline.Phase
	total        time.Duration
	node         *timeline.NodeRecovery // nil: of something else
}

// lanes are the timelines as they are drawn.
func (r Recovered) lanes() []lane {
	var all []lane
	for _, p := range r.Pods {
		all = append(all, lane{title: fmt.Sprintf("pod %s on %s", p.Lost.Name, orUnknown(p.Lost.Node)), about: heir(p), phases: p.Phases, total: p.Total})
	}
	all = append(all, wholeLane("pods", r.AllPods)...)
	for _, n := range r.Nodes {
		all = append(all, lane{title: "node " + n.Lost.Name, phases: n.Phases, total: n.Total, node: &n})
	}
	return append(all, wholeLane("nodes", r.AllNodes)...)
}

func wholeLane(of string, w *timeline.Whole) []lane {
	if w == nil {
		return nil
	}
	title := fmt.Sprintf("all %d %s", w.Of, of)
	return []lane{{title: title, about: "when the last of them had come so far", phases: w.Phases, total: w.Total}}
}

// heir tells what became of a lost pod's place.
func heir(r timeline.Recovery) string {
	relapses := ""
	if r.Relapses > 0 {
		relapses = fmt.Sprintf("; ready and lost again %d time(s) before", r.Relapses)
	}
	switch {
	case r.By == nil:
		return "not replaced"
	case r.InPlace:
		return fmt.Sprintf("came back itself (uid %s)%s", r.By.UID, relapses)
	}
	return fmt.Sprintf("replaced by %s on %s: uid %s, was %s%s", r.By.Name, orUnknown(r.By.Node), r.By.UID, r.Lost.UID, relapses)
}
