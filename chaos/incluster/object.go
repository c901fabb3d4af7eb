// Package incluster is what 'axolotl serve' needs where it lives in a cluster
// that several replicas of it share: who of them leads, schedules as objects
// with a status, what must be undone and what was run as objects too, and the
// manifests of all that.
//
// It runs nothing itself: package serve does, by interfaces that are kept here
// as they are on a host's disk elsewhere. Only the leader calls what changes
// anything.
package incluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
)

// Cluster is the name of the one cluster that there is: that around us.
const Cluster = "in-cluster"

// resource are the objects that are schedules.
var resource = schema.GroupVersionResource{Group: "axolotl.dev", Version: "v1", Resource: "schedules"}

// Spec is what a person asks for: the schedule of the file of that kind, but
// for what the object says itself (its name) and what there is one of only.
type Spec struct {
	schedule.Schedule
	// Suspend rests the schedule: nothing that is due then is run or made up
	// for.
	Suspend bool `yaml:"suspend" json:"suspend,omitempty"`
}

// notInSpec are the fields of a schedule's file that are not in the object's.
var notInSpec = []string{"apiVersion", "kind", "name", "cluster"}

// Status is what has become of a schedule. It is also what makes each firing
// run once: whoever runs one has written here before that it is accounted for,
// and the API server lets one only do so.
type Status struct {
	// ObservedGeneration is the generation of the spec that this is about.
	ObservedGeneration int64 `yaml:"observedGeneration" json:"observedGeneration,omitempty"`
	// Since is when that was first seen: what was due before is not made up for.
	Since time.Time `yaml:"since" json:"since,omitzero"`
	// Accounted is the time until which all that was due is accounted for: it
	// ran, or never will.
	Accounted time.Time `yaml:"accounted" json:"accounted,omitzero"`
	// Next is when it fires next.
	Next time.Time `yaml:"next" json:"next,omitzero"`
	// Last is the last firing that was begun, in short.
	Last string `yaml:"last" json:"last,omitempty"`

	// Paused is since when it rests by its budget, until the spec is changed.
	Paused *Paused `yaml:"paused" json:"paused,omitempty"`
	// Runs are the last 50 firings that were begun, the latest first, NotRun the
	// last 10 that were missed or skipped.
	Runs   []Firing `yaml:"runs" json:"runs,omitempty"`
	NotRun []Firing `yaml:"notRun" json:"notRun,omitempty"`

	// Conditions has one of type Accepted: whether the schedule can be used.
	Conditions []Condition `yaml:"conditions" json:"conditions,omitempty"`
}

// How many firings a status holds: all of them are in one object, which has a
// bound, and is read by people.
const (
	mostRuns   = 50
	mostNotRun = 10
)

// Paused is since when a schedule rests, and why.
type Paused struct {
	At     time.Time `yaml:"at" json:"at"`
	Reason string    `yaml:"reason" json:"reason"`
}

// Firing is one time at which the schedule was due.
type Firing struct {
	Due        time.Time `yaml:"due" json:"due"`
	Started    time.Time `yaml:"started" json:"started,omitzero"`
	Ended      time.Time `yaml:"ended" json:"ended,omitzero"`
	Experiment string    `yaml:"experiment" json:"experiment,omitempty"`
	// Outcome is running, ran, interrupted, missed or skipped.
	Outcome string `yaml:"outcome" json:"outcome"`
	Verdict string `yaml:"verdict" json:"verdict,omitempty"`
	Reason  string `yaml:"reason" json:"reason,omitempty"`
	// Run is the run's ID; its report is in the ConfigMap axolotl-run-ID.
	Run string `yaml:"run" json:"run,omitempty"`
	// By is the replica that has begun it.
	By string `yaml:"by" json:"by,omitempty"`
}

// Condition is a condition as all objects of Kubernetes have them.
type Condition struct {
	Type               string    `yaml:"type,required" json:"type"`
	Status             string    `yaml:"status,required" json:"status"`
	Reason             string    `yaml:"reason" json:"reason,omitempty"`
	Message            string    `yaml:"message" json:"message,omitempty"`
	ObservedGeneration int64     `yaml:"observedGeneration" json:"observedGeneration,omitempty"`
	LastTransitionTime time.Time `yaml:"lastTransitionTime" json:"lastTransitionTime,omitzero"`
}

// accepted is the type of the condition that says whether a schedule is used.
const accepted = "Accepted"

// object is a schedule as the API server has it.
type object struct {
	raw    *unstructured.Unstructured
	spec   Spec
	broken error // why the spec cannot be read
	status Status
}

// read reads an object. One whose spec cannot be read says so; a status that
// cannot be is an error: it is ours.
func read(raw *unstructured.Unstructured) (*object, error) {
	o := &object{raw: raw}
	o.broken = into(raw.Object["spec"], &o.spec)
	if err := into(raw.Object["status"], &o.status); err != nil {
		return nil, fmt.Errorf("the status of schedule %q cannot be read: %w; delete the object and apply it again", raw.GetName(), err)
	}
	s := &o.spec.Schedule
	s.APIVersion, s.Kind, s.Name, s.Cluster = schedule.APIVersion, schedule.Kind, raw.GetName(), Cluster
	s.SetDefaults()
	return o, nil
}

func into(value, target any) error {
	if value == nil {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, target)
}

// record is the schedule as the daemon follows it.
func (o *object) record() *schedule.Record {
	since := o.status.Since
	r := &schedule.Record{Schedule: o.spec.Schedule, Added: o.raw.GetCreationTimestamp().UTC(), Counted: since, Resumed: since}
	switch {
	case o.status.ObservedGeneration != o.raw.GetGeneration():
		r.Paused = &schedule.Pause{At: since, Reason: "it was added or changed, and is being looked at"}
	case o.spec.Suspend:
		r.Paused = &schedule.Pause{At: since, Reason: "spec.suspend"}
	case o.status.Paused != nil:
		r.Paused = &schedule.Pause{At: o.status.Paused.At, Reason: o.status.Paused.Reason}
	}
	if err := o.fault(r); err != nil {
		r.Broken = err.Error()
	}
	return r
}

// fault is what is wrong with a schedule.
func (o *object) fault(r *schedule.Record) error {
	if o.broken != nil {
		return o.broken
	}
	_, err := r.Timetable()
	s := o.spec.Schedule
	errs := []error{err}
	wrong := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, name := range s.Experiments {
		if !slices.Contains(chaos.CatalogNames(), name) {
			wrong(true, "experiment: %q is not in the catalog, and a pod has no files of yours; see 'axolotl chaos list'", name)
			continue
		}
		if e, err := chaos.Open(name); err != nil {
			errs = append(errs, err)
		} else if err := s.With.Overrides().Apply(e); err != nil {
			errs = append(errs, fmt.Errorf("with: %w", err))
		}
	}
	wrong(s.RestoreBefore || s.RecreateAfter != schedule.Never, "restoreBefore, recreateAfter: there are no machines of ours in here; leave them out")
	wrong(s.Budget.RunsPerDay > mostRuns || s.Budget.StopAfterNotHealed > mostRuns, "budget: %d runs are remembered in here; give no more", mostRuns)
	for i, n := range s.Notify {
		wrong(len(n.Command) > 0, "notify[%d].command: there is no program in the image; use webhook or slack", i)
	}
	return errors.Join(errs...)
}

// settle brings the status up to date with the spec.
func (o *object) settle(now time.Time) {
	status, generation := &o.status, o.raw.GetGeneration()
	if status.ObservedGeneration != generation {
		if status.Since = now.UTC(); status.ObservedGeneration == 0 {
			status.Since = o.raw.GetCreationTimestamp().UTC() // what was due since, and nobody was there, was missed
		}
		status.ObservedGeneration, status.Paused = generation, nil
	}
	r := o.record()
	condition := Condition{Type: accepted, Status: "True", Reason: "Valid", ObservedGeneration: generation}
	if r.Broken != "" {
		condition.Status, condition.Reason, condition.Message = "False", "Invalid", r.Broken
	}
	o.set(condition, now)
	status.Next = time.Time{}
	if timetable, err := r.Timetable(); err == nil && r.Broken == "" && r.Paused == nil {
		after := status.Accounted
		if after.Before(status.Since) {
			after = status.Since
		}
		for _, f := range timetable.Next(after, 1, false) {
			status.Next = f.Start.UTC()
		}
	}
}

// set sets the one condition that there is.
func (o *object) set(c Condition, now time.Time) {
	c.LastTransitionTime = now.UTC().Truncate(time.Second)
	if was := o.status.Conditions; len(was) == 1 && was[0].Type == c.Type && was[0].Status == c.Status {
		c.LastTransitionTime = was[0].LastTransitionTime
	}
	o.status.Conditions = []Condition{c}
}

// begun is the firing that was due then, where it was begun.
func (o *object) begun(due time.Time) *Firing {
	for i := range o.status.Runs {
		if f := &o.status.Runs[i]; f.Due.Equal(due) {
			return f
		}
	}
	return nil
}

// tell writes the last firing in short.
func (o *object) tell() {
	if len(o.status.Runs) > 0 {
		f := o.status.Runs[0]
		o.status.Last = f.Outcome
		if f.Verdict != "" {
			o.status.Last = f.Verdict
		}
	}
}

// of is a firing as the history has it.
func (f Firing) of(s string) history.Firing {
	return history.Firing{
		Schedule: s, Cluster: Cluster, Experiment: f.Experiment, Due: f.Due, Started: f.Started, Ended: f.Ended,
		Outcome: history.Outcome(f.Outcome), Reason: f.Reason, Run: f.Run, Verdict: f.Verdict,
	}
}

// firingOf is a firing of the history as a status has it.
func firingOf(f history.Firing, by string) Firing {
	return Firing{
		Due: f.Due.UTC(), Started: utc(f.Started), Ended: utc(f.Ended), Experiment: f.Experiment,
		Outcome: string(f.Outcome), Verdict: f.Verdict, Reason: short(f.Reason), Run: f.Run, By: by,
	}
}

// utc is a time without its zone; zero stays zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// short cuts what would make a status too long.
func short(text string) string {
	const most = 500 // bytes
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
