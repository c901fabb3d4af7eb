package chaos

import (
	"slices"
	"time"

	"axolotl/chaos/history"
	"axolotl/chaos/timeline"
)

// Names of times that are no milestones.
const (
	healedAfter = "healed after"
	noAnswer    = "no answer for" // the longest time without a good answer, as the client felt it
)

// Milestones in order, of pods and of nodes.
var (
	podMilestones  = []timeline.Milestone{timeline.Noticed, timeline.Replaced, timeline.Scheduled, timeline.Started, timeline.Ready, timeline.Serving}
	nodeMilestones = []timeline.Milestone{timeline.Down, timeline.NotReady, timeline.Powered, timeline.Ready}
)

func nodeTime(m timeline.Milestone) string { return "node " + string(m) }

// phaseNames are the names of phases, of pods and of nodes, in order.
func phaseNames() []string {
	var names []string
	for _, m := range podMilestones {
		names = append(names, string(m))
	}
	for _, m := range nodeMilestones {
		names = append(names, nodeTime(m))
	}
	return names
}

// TimeNames are the names of all times by which runs are compared, in order.
func TimeNames() []string {
	return slices.Concat([]string{healedAfter}, phaseNames(), []string{noAnswer})
}

// Times are the times by which runs are compared: of each phase the longest,
// where several pods or nodes were lost. What is not known is not there.
func (p *Report) Times() []history.Phase {
	var all []history.Phase
	if p.HealedAfter != nil {
		all = append(all, history.Phase{Name: healedAfter, Took: *p.HealedAfter})
	}
	var pods, nodes [][]timeline.Phase
	for _, r := range p.allPods() {
		pods = append(pods, r.Phases)
	}
	for _, r := range p.allNodes() {
		nodes = append(nodes, r.Phases)
	}
	for _, m := range podMilestones {
		if took, known := longest(pods, m); known {
			all = append(all, history.Phase{Name: string(m), Took: took})
		}
	}
	for _, m := range nodeMilestones {
		if took, known := longest(nodes, m); known {
			all = append(all, history.Phase{Name: nodeTime(m), Took: took})
		}
	}
	if p.Client != nil {
		all = append(all, history.Phase{Name: noAnswer, Took: p.Client.LongestGap})
	}
	return all
}

// longest is the longest phase with a name.
func longest(ladders [][]timeline.Phase, name timeline.Milestone) (took time.Duration, known bool) {
	for _, phase := range slices.Concat(ladders...) {
		if phase.Name == name && phase.Known {
			took, known = max(took, phase.Took()), true
		}
	}
	return took, known
}
