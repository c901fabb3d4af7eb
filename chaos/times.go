package chaos

import (
	"slices"

	"axolotl/chaos/history"
	"axolotl/chaos/timeline"
)

// Names of times that are no milestones.
const (
	healedAfter = "healed after"
	noAnswer    = "no answer for" // the longest time without a good answer, as the client felt it
)

func nodeTime(m timeline.Milestone) string { return "node " + string(m) }

// phaseNames are the names of phases, of pods and of nodes, in order.
func phaseNames() []string {
	var names []string
	for _, m := range timeline.PodMilestones {
		names = append(names, string(m))
	}
	for _, m := range timeline.NodeMilestones {
		names = append(names, nodeTime(m))
	}
	return names
}

// TimeNames are the names of all times by which runs are compared, in order.
func TimeNames() []string {
	return slices.Concat([]string{healedAfter}, phaseNames(), []string{noAnswer})
}

// Times are the times by which runs are compared. What is not known is not there.
func (p *Report) Times() []history.Phase {
	var all []history.Phase
	if p.HealedAfter != nil {
		all = append(all, history.Phase{Name: healedAfter, Took: *p.HealedAfter})
	}
	all = append(all, p.Phases()...)
	if p.Client != nil {
		all = append(all, history.Phase{Name: noAnswer, Took: p.Client.LongestGap})
	}
	return all
}

// Phases are those of all pods that were lost as a whole, and of all nodes, whose
// names begin with "node". What is not known is not there.
func (p *Report) Phases() []history.Phase {
	plain := func(m timeline.Milestone) string { return string(m) }
	return append(known(timeline.AllPods(p.allPods()), plain), known(timeline.AllNodes(p.allNodes()), nodeTime)...)
}

// known are the phases that are, by the names that they have beside others.
func known(whole timeline.Whole, name func(timeline.Milestone) string) []history.Phase {
	var all []history.Phase
	for _, phase := range whole.Phases {
		if phase.Known {
			all = append(all, history.Phase{Name: name(phase.Name), Took: phase.Took()})
		}
	}
	return all
}
