// Package timeline tells from what was seen, and when, how something that a
// fault took away came back: in phases that do not overlap and add up.
//
// It is pure: no client, no clock that runs, nothing random. What it is given
// are observations stamped on arrival with the host's monotonic clock; times
// that the cluster writes into its objects are never used, as they have whole
// seconds and belong to clocks that faults may turn.
package timeline

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Observation is one thing that was seen at one instant. Exactly one of the
// pointers is set. No two observations of a run have the same stamp (Log sees
// to it), so that their order is theirs and not that of a slice.
type Observation struct {
	// At is when it arrived, since the start of the run.
	At time.Duration `json:"atNs"`

	// Late is how long before At it may have happened: the watch that
	// brought it had been down so long. 0 for what came as it happened.
	Late time.Duration `json:"lateNs,omitempty"`

	Pod      *Pod      `json:"pod,omitempty"`      // a pod was seen so
	PodGone  types.UID `json:"podGone,omitempty"`  // this pod's object is gone
	Slice    *Slice    `json:"slice,omitempty"`    // an endpoint slice was seen so
	Answer   *Answer   `json:"answer,omitempty"`   // the client got an answer
	Node     *Node     `json:"node,omitempty"`     // a node was seen so
	NodeGone types.UID `json:"nodeGone,omitempty"` // this node's object is gone
	Lease    *Lease    `json:"lease,omitempty"`    // a node has renewed its lease
	Machine  *Machine  `json:"machine,omitempty"`  // the driver did something to a machine
	Note     *Note     `json:"note,omitempty"`     // an event that the cluster wrote
}

// Pod is what of a pod's state matters to healing.
type Pod struct {
	UID       types.UID `json:"uid"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Owner     types.UID `json:"owner,omitempty"`   // its controller; empty for a bare pod
	Node      string    `json:"node,omitempty"`    // where it is scheduled; empty: nowhere yet
	Leaving   bool      `json:"leaving,omitempty"` // has a deletion timestamp, or has ended
	Started   bool      `json:"started,omitempty"` // all of its containers run
	Ready     bool      `json:"ready,omitempty"`
	Restarts  int32     `json:"restarts,omitempty"` // of all of its containers
}

// Slice is the ready part of an endpoint slice; of a slice that is gone it is
// empty.
type Slice struct {
	Name  string      `json:"name"`
	Ready []types.UID `json:"ready"`
}

// Answer is a good answer that the client's probe got. From is the name of
// the pod that gave it, empty where the application does not tell.
type Answer struct {
	From string `json:"from,omitempty"`
}

// Node is what of a node's state matters to healing.
type Node struct {
	UID    types.UID `json:"uid"`
	Name   string    `json:"name"`
	Ready  bool      `json:"ready"`
	BootID string    `json:"bootID,omitempty"`
	Taints []string  `json:"taints,omitempty"` // keys
}

// Lease is that of a node, which its kubelet renews every ten seconds or so: a sign
// of life that nobody else gives.
type Lease struct {
	Node string `json:"node"`
}

// Machine is something that was done to a node's machine and proved by its
// driver.
type Machine struct {
	Node string `json:"node"`
	On   bool   `json:"on"` // false: its power is off
}

// Note is an event of the cluster's own, for the story beside the figures.
type Note struct {
	Object  string `json:"object"` // "Pod NAME"
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
}
