package timeline

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// NodeRecovery is how one lost node came back.
type NodeRecovery struct {
	Lost   Node          `json:"lost"`
	Phases []Phase       `json:"phases"`
	Total  time.Duration `json:"totalNs"`
	// LastSign is when the node renewed its lease last before it was lost, which may
	// be before the fault, and FirstSign when it did again. Both count from the fault;
	// nil: it was not seen.
	LastSign  *time.Duration `json:"lastSignNs,omitempty"`
	FirstSign *time.Duration `json:"firstSignNs,omitempty"`
	// BootID is the boot that the node is in now.
	BootID string `json:"bootID,omitempty"`
}

// Reached tells whether the recovery has come to a milestone.
func (r NodeRecovery) Reached(m Milestone) bool { return reached(r.Phases, m) }

// Nodes tells for each lost node, in the order of fault.Nodes, how it came
// back. It counts as ready only with a sign of life that is newer than the
// fault: another boot, or Ready after it was seen not to be, where the fault may
// leave it in the boot that it was in.
func Nodes(fault Fault, observations []Observation) []NodeRecovery {
	entries := sorted(observations)
	var out []NodeRecovery
	for _, lost := range fault.Nodes {
		out = append(out, nodeRecovery(fault, lost, entries))
	}
	return out
}

func nodeRecovery(fault Fault, lost Node, entries []Observation) NodeRecovery {
	var down, notReady, tainted, evicted, powered, ready stamp
	left := map[types.UID]bool{} // pods that were told to go, by whomever
	bootID := lost.BootID
	for _, o := range entries {
		if o.At < fault.At {
			continue
		}
		s := stamp{at: o.At, late: o.Late, known: true}
		switch {
		case o.Machine != nil && o.Machine.Node == lost.Name:
			if o.Machine.On {
				hold(&powered, true, s)
			} else {
				hold(&down, true, s)
				powered = stamp{}
				if bootID == lost.BootID { // of another boot nobody can be told who was off before
					ready = stamp{}
				}
			}
		case o.NodeGone == lost.UID:
			hold(&notReady, true, s)
			ready = stamp{}
		case o.Node != nil && o.Node.Name == lost.Name:
			bootID = o.Node.BootID
			if !o.Node.Ready {
				hold(&notReady, true, s)
			}
			if lostTaint(*o.Node) && !o.Node.Ready && !ready.known {
				hold(&tainted, true, s)
			}
			anew := bootID != "" && bootID != lost.BootID
			alive := anew || notReady.known && !(fault.Boots && lost.BootID != "")
			hold(&ready, o.Node.Ready && alive, s)
		case o.Pod != nil && o.Pod.Leaving && !left[o.Pod.UID]:
			left[o.Pod.UID] = true
			if o.Pod.Node == lost.Name && tainted.known && !ready.known {
				hold(&evicted, true, s)
			}
		}
	}
	r := NodeRecovery{Lost: lost, BootID: bootID}
	r.Phases = phases(fault.At, nodeLadder(down, notReady, tainted, evicted, powered, ready))
	r.Total = total(r.Phases)
	r.LastSign, r.FirstSign = signs(fault.At, lost.Name, earliest(down, notReady), entries)
	return r
}

// lostTaint tells whether a node has a taint by which its pods are evicted since it is
// not heard of, or not well: TaintNodeUnreachable and TaintNodeNotReady of the API.
func lostTaint(n Node) bool {
	return slices.Contains(n.Taints, "node.kubernetes.io/unreachable") || slices.Contains(n.Taints, "node.kubernetes.io/not-ready")
}

// earliest is the first of two stamps, of those that are known.
func earliest(a, b stamp) stamp {
	if !b.known || a.known && a.at < b.at {
		return a
	}
	return b
}

// signs are the last sign of life of a node before the first one after it was lost,
// and that one. What may be of before, and was only told after, is of neither.
func signs(fault time.Duration, node string, gone stamp, entries []Observation) (last, first *time.Duration) {
	for _, o := range entries {
		if !gone.known || o.Lease == nil || o.Lease.Node != node {
			continue
		}
		at := o.At - fault
		switch {
		case o.At <= gone.at:
			last = &at
		case o.Late == 0 || o.At-o.Late > gone.at:
			return last, &at
		}
	}
	return last, nil
}

// nodeLadder orders what was seen. A node is missed, then tainted, and then its pods are
// evicted. Powered does not follow from any of that: power may be back before the
// cluster has missed the node, if it does at all, so it stands where it came.
func nodeLadder(down, notReady, tainted, evicted, powered, ready stamp) []rung {
	middle := []rung{{NotReady, notReady}}
	for _, r := range []rung{{Tainted, tainted}, {Evicted, evicted}} {
		if r.seen.known {
			middle = append(middle, r)
		}
	}
	came := len(middle)
	for came > 0 && powered.known && (!middle[came-1].seen.known || powered.at < middle[came-1].seen.at) {
		came--
	}
	middle = slices.Insert(middle, came, rung{Powered, powered})
	ladder := append([]rung{{Down, down}}, middle...)
	return append(ladder, rung{Ready, ready})
}
