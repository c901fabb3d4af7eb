package timeline

import "time"

// Milestone is one rung of a ladder back to health, named for what was seen.
type Milestone string

// The milestones of a pod that was lost, in order.
const (
	Noticed   Milestone = "noticed"   // the pod is seen leaving, gone or not ready
	Replaced  Milestone = "replaced"  // another pod of the same controller exists
	Scheduled Milestone = "scheduled" // it has a node
	Started   Milestone = "started"   // its containers run
	Ready     Milestone = "ready"     // it says that it can serve
	Serving   Milestone = "serving"   // it is in the endpoints, and a client had its answer
)

// The milestones of a node that was lost, in order; Ready is the last. Tainted and
// Evicted are parts of what a node goes through only where they were seen: one that is
// back before that was never evicted.
const (
	Down     Milestone = "down"      // its machine is off, says the driver
	NotReady Milestone = "not ready" // the cluster has noticed
	Tainted  Milestone = "tainted"   // no pod is to be there any more, unless it tolerates that
	Evicted  Milestone = "evicted"   // the first of its pods, of those that are watched, is told to go
	Powered  Milestone = "powered"   // its machine is on again, says the driver
)

// PodMilestones and NodeMilestones are those of a pod and of a node, in order.
var (
	PodMilestones  = []Milestone{Noticed, Replaced, Scheduled, Started, Ready, Serving}
	NodeMilestones = []Milestone{Down, NotReady, Tainted, Evicted, Powered, Ready}
)

// Phase is the time up to a milestone from the one before it that is known.
// Times count from the fault. A milestone that was not seen is unknown, and
// the next known phase has its time in it, as Includes says.
type Phase struct {
	Name     Milestone     `json:"name"`
	Known    bool          `json:"known"`
	From     time.Duration `json:"fromNs"`
	To       time.Duration `json:"toNs"`
	Includes []Milestone   `json:"includes,omitempty"`

	// Late is how much earlier than To it may truly have been: the watch that
	// told of it had been down.
	Late time.Duration `json:"lateNs,omitempty"`
}

// Took is how long a known phase lasted.
func (p Phase) Took() time.Duration { return p.To - p.From }

// stamp is an instant at which something was seen; known is false for never.
type stamp struct {
	at    time.Duration
	late  time.Duration
	known bool
}

// rung is a milestone with what was seen of it.
type rung struct {
	name Milestone
	seen stamp
}

// phases makes phases of a ladder whose rungs follow from one another: who is
// ready has started. So a rung is reached at the latest when a higher one is
// seen, which mends the order where two watches told the same story at
// different speed. Nothing is seen of a fault before it.
func phases(fault time.Duration, ladder []rung) []Phase {
	rungs := make([]rung, len(ladder))
	copy(rungs, ladder)
	var later stamp
	for i := len(rungs) - 1; i >= 0; i-- {
		seen := &rungs[i].seen
		if !seen.known {
			continue
		}
		if later.known && later.at < seen.at {
			*seen = later
		}
		later = *seen
	}
	var out []Phase
	var from time.Duration
	var unknown []Milestone
	for _, r := range rungs {
		if !r.seen.known {
			unknown = append(unknown, r.name)
			out = append(out, Phase{Name: r.name})
			continue
		}
		to := max(r.seen.at-fault, 0)
		out = append(out, Phase{Name: r.name, Known: true, From: from, To: to, Includes: unknown, Late: min(r.seen.late, to)})
		from, unknown = to, nil
	}
	return out
}

// total is the end of the last known phase: by construction the sum of all.
func total(ps []Phase) time.Duration {
	var end time.Duration
	for _, p := range ps {
		if p.Known {
			end = p.To
		}
	}
	return end
}

// reached tells whether a milestone is known.
func reached(ps []Phase, name Milestone) bool {
	for _, p := range ps {
		if p.Name == name {
			return p.Known
		}
	}
	return false
}
