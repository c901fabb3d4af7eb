// Package chaos breaks clusters on purpose and proves that they heal:
// experiments, their guards, the order in which they run, and the verdict.
//
// It knows machines and clusters (vm) and no lab.
package chaos

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/probe"
	"axolotl/internal/check"
)

// Experiment is one thing that should heal, and how it is broken.
type Experiment struct {
	Name  string
	Title string
	About string

	Target      Target
	SteadyState []Check
	Probe       *Probe // nil: no client is played
	Fault       fault.Fault
	// Steps, where there are any, are what is broken instead of Fault.
	Steps []Step

	// Lasts is how long the fault lasts before it is undone. 0: until what
	// it broke has healed, or the deadline.
	Lasts time.Duration

	// HealWithin is the time from the fault within which all must be well.
	// The run goes on watching as long again, to tell late from never.
	HealWithin time.Duration

	Guards Guards

	// Expect is the verdict that one wants to see, one of Expectable; "" is
	// Healed.
	Expect Verdict

	// Seed fixes which targets are chosen, and in what order. 0: one is made
	// up, and the report says which.
	Seed uint64
}

// Target says what is broken. For faults on nodes the pods that it names are
// those whose healing is watched.
type Target struct {
	// App, where set, is put up for the run and removed after it: "pingapp".
	App      string
	Replicas int
	// MinAvailable, where set, gives the app a disruption budget.
	MinAvailable int
	// TolerationSeconds is how long the app's pods stay on a node that is not
	// Ready or cannot be reached; nil: 300, as Kubernetes has it.
	TolerationSeconds *int
	// GraceSeconds is how long they may take to end; nil: 30, as Kubernetes has
	// it.
	GraceSeconds *int
	// ReadinessSeconds is how often the kubelet asks whether they are ready; 0:
	// each second.
	ReadinessSeconds int

	// Namespace with Deployment or Selector name pods that exist.
	Namespace  string
	Deployment string
	Selector   map[string]string

	// Nodes narrows the targets of faults on nodes: "worker", "control-plane",
	// or "" for workers where there are any, else all.
	Nodes string

	// Count or Percent of the candidates are chosen; one where neither is set.
	Count   int
	Percent int
}

// Probe is the client that is played: GET on a NodePort, past the API server.
type Probe struct {
	Path     string
	Loop     probe.Loop
	Interval time.Duration
	Timeout  time.Duration
}

// Check is one more condition of the steady state, in CEL.
type Check struct {
	Name       string
	Selector   check.Selector
	Expression *check.Expression
}

// Guards are the bounds that a run keeps.
type Guards struct {
	// MaxShare is how many of a hundred candidates may be targets.
	MaxShare int
	// LastReplica allows the fault to take the last healthy pod of a controller
	// that is the target; OthersLastReplica, of one that only shares a node with it.
	LastReplica, OthersLastReplica bool
	// DisruptionBudget allows the fault to take more pods than disruption budgets
	// do. Evictions and drains ask these themselves, whatever it is.
	DisruptionBudget bool
	// Quorum allows the fault to take etcd's majority, of several control
	// planes.
	Quorum bool
}

// Defaults of an experiment.
const (
	DefaultHealWithin = 60 * time.Second
	DefaultMaxShare   = 50
	DefaultReplicas   = 3
	AppPingapp        = "pingapp"
)

// SetDefaults fills what was left out.
func (e *Experiment) SetDefaults() {
	if e.HealWithin == 0 {
		e.HealWithin = DefaultHealWithin
	}
	if e.Guards.MaxShare == 0 {
		e.Guards.MaxShare = DefaultMaxShare
	}
	if e.Target.App != "" && e.Target.Replicas == 0 {
		e.Target.Replicas = DefaultReplicas
	}
	if e.Target.Count == 0 && e.Target.Percent == 0 {
		e.Target.Count = 1
	}
	if p := e.Probe; p != nil {
		if p.Path == "" {
			p.Path = "/"
		}
		if p.Loop == "" {
			p.Loop = probe.Open
		}
		if p.Interval == 0 {
			p.Interval = probe.DefaultInterval
		}
		if p.Timeout == 0 {
			p.Timeout = probe.DefaultTimeout
		}
	}
}

// Validate returns all that is wrong with the experiment, joined.
func (e *Experiment) Validate() error {
	var errs []error
	unseen := e.Fault != nil && e.Fault.Effect().Takes == fault.TakesNothing && e.Lasts == 0
	fault := func(broken bool, format string, args ...any) {
		if broken {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	t := e.Target
	errs = append(errs, validateName(e.Name))
	fault(e.Fault == nil && len(e.Steps) == 0, `"fault" is missing, and so is "steps"; see 'axolotl chaos list'`)
	fault(e.Fault != nil && len(e.Steps) > 0, "steps has what is broken, and so has fault; give one")
	fault(e.Lasts > 0 && len(e.Steps) > 0, "lasts is said by each step; take it out")
	for i, s := range e.Steps {
		errs = append(errs, flatten(s.validate(fmt.Sprintf("steps[%d]", i), false))...)
	}
	fault(t.App != "" && t.App != AppPingapp, "target.app %q is unknown; the one that can be put up is %q", t.App, AppPingapp)
	fault(t.App != "" && t.Namespace != "", "target has both app and namespace; give one")
	fault(t.App == "" && t.Namespace == "", "target has neither app nor namespace; give one")
	fault(t.Namespace != "" && (t.Deployment == "") == (len(t.Selector) == 0), "target.namespace needs either deployment or selector")
	fault(t.Nodes != "" && t.Nodes != "worker" && t.Nodes != "control-plane", "target.nodes %q is unknown; use worker or control-plane", t.Nodes)
	fault(t.Count < 0 || t.Percent < 0 || t.Percent > 100, "target wants count from 1, or percent from 1 to 100")
	fault(t.Count > 0 && t.Percent > 0, "target has both count and percent; give one")
	fault(t.Replicas < 0 || t.Replicas > 100, "target.replicas %d: use 1 to 100", t.Replicas)
	fault(t.MinAvailable < 0 || t.MinAvailable > 0 && t.App == "", "target.minAvailable %d: use 1 or more, and with app", t.MinAvailable)
	for _, s := range []struct {
		name  string
		value *int
	}{{"tolerationSeconds", t.TolerationSeconds}, {"graceSeconds", t.GraceSeconds}, {"readinessSeconds", &t.ReadinessSeconds}} {
		fault(s.value != nil && *s.value < 0, "target.%s cannot be negative", s.name)
		fault(s.value != nil && *s.value != 0 && t.App == "", "target.%s needs app: it is set on what is put up", s.name)
	}
	fault(e.Expect != "" && !slices.Contains(Expectable, e.Expect), "expect %q is no verdict that can be wanted; use one of %v", e.Expect, Expectable)
	fault(e.HealWithin < 0 || e.Lasts < 0, "durations cannot be negative")
	fault(e.Guards.MaxShare < 1 || e.Guards.MaxShare > 100, "guards.maxShare %d: use 1 to 100", e.Guards.MaxShare)
	if p := e.Probe; p != nil {
		fault(p.Loop != probe.Open && p.Loop != probe.Closed, "probe.loop %q is unknown; use open or closed", p.Loop)
		fault(p.Interval < 5*time.Millisecond || p.Interval > 10*time.Second, "probe.interval %s: use 5ms to 10s", p.Interval)
		fault(p.Timeout < p.Interval, "probe.timeout %s is shorter than the interval", p.Timeout)
		fault(p.Path[0] != '/', "probe.path %q must begin with /", p.Path)
	}
	fault(e.Fault != nil && unseen && len(e.Steps) == 0,
		"fault takes nothing that would have to come back, so all would be well at once and nothing shown: say how long it lasts, such as lasts: 30s")
	errs = append(errs, flatten(e.validateLasts())...)
	return errors.Join(errs...)
}

// validateLasts refuses what can only end as late, if it heals at all: a fault that
// still lasts when all must be well again. Who wants to see that may.
func (e *Experiment) validateLasts() error {
	if e.Expect == HealedLate || e.Expect == NotHealed {
		return nil
	}
	var errs []error
	check := func(at string, lasts, healWithin time.Duration) {
		if lasts > healWithin {
			errs = append(errs, fmt.Errorf("%slasts %s is longer than healWithin %s, within which all must be well again: let it last shorter, or give it more time", at, lasts, healWithin))
		}
	}
	check("", e.Lasts, e.HealWithin)
	for i, s := range e.Steps {
		for n, m := range s.members() {
			at := fmt.Sprintf("steps[%d].", i)
			if s.Fault == nil {
				at += fmt.Sprintf("parallel[%d].", n)
			}
			check(at, m.Lasts, e.alone(m).HealWithin)
		}
	}
	return errors.Join(errs...)
}
