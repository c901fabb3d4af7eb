package chaos

import (
	"errors"
	"time"
)

// Overrides change an experiment for one run, or for the runs of a schedule.
type Overrides struct {
	// Namespace, with Deployment or Selector, is where the pods are, instead
	// of a target of the run's own.
	Namespace  string
	Deployment string
	Selector   map[string]string

	Seed       uint64        // 0: the experiment's
	HealWithin time.Duration // 0: the experiment's
	NoProbe    bool          // play no client
}

// Apply changes an experiment. The error is what is wrong with it then.
func (o Overrides) Apply(e *Experiment) error {
	if o.Namespace == "" && (o.Deployment != "" || len(o.Selector) > 0) {
		return errors.New("a deployment or a selector needs a namespace: say where the pods are")
	}
	if o.Namespace != "" {
		t := e.Target // what it says of an app of its own does not hold for another
		e.Target = Target{
			Namespace: o.Namespace, Deployment: o.Deployment, Selector: o.Selector,
			Nodes: t.Nodes, Count: t.Count, Percent: t.Percent,
		}
	}
	if o.Seed != 0 {
		e.Seed = o.Seed
	}
	if o.HealWithin != 0 {
		e.HealWithin = o.HealWithin
	}
	if o.NoProbe {
		e.Probe = nil
	}
	return e.Validate()
}
