package chaos

import (
	"time"

	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
)

// Raw is all that a run has seen: what the figures of its report were made of.
// Instants count from the fault, or where there was none from the start.
type Raw struct {
	Timeline []timeline.Observation `json:"timeline"`
	Requests []RawRequest           `json:"requests,omitempty"` // of the client, in the order in which they ended
}

// RawRequest is one request of the client.
type RawRequest struct {
	At   time.Duration `json:"atNs"` // when it was sent
	Took time.Duration `json:"tookNs"`
	Fail string        `json:"fail,omitempty"` // empty: a good answer
}

// raw is what the run has seen; nil for nothing.
func (r *run) raw(requests []probe.Request) *Raw {
	raw := &Raw{Timeline: r.log.Entries()}
	for i := range raw.Timeline {
		raw.Timeline[i].At -= r.fault.At
	}
	for _, q := range requests {
		raw.Requests = append(raw.Requests, RawRequest{At: r.log.At(q.Sent) - r.fault.At, Took: q.Took, Fail: q.Fail})
	}
	if len(raw.Timeline)+len(raw.Requests) == 0 {
		return nil
	}
	return raw
}
