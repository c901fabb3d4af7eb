// Package labs reads and runs labs: exercises on a real cluster, made of
// steps that each end in a check of what the cluster became.
//
// A lab is a YAML file (Parse) that says everything: what to tell the learner,
// in English and Spanish, what to do, and how it is seen that it was done.
// Nothing is believed: a step whose checks held before it was done fails,
// because such checks prove nothing, and a lab that needs what a cluster
// cannot give is skipped, never passed.
//
// Labs may break things through chaos and know machines through vm; nobody
// below knows labs.
package labs

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"axolotl/internal/check"
	"axolotl/internal/strictyaml"
	"axolotl/vm/addon"
)

// Lab is one lab file. Only Parse makes valid ones.
type Lab struct {
	Name    string `yaml:"name,required" json:"name"` // a DNS label of at most 40 characters
	Title   Text   `yaml:"title,required" json:"title"`
	Summary Text   `yaml:"summary,required" json:"summary"`
	Level   Level  `yaml:"level,required" json:"level"`
	Minutes int    `yaml:"minutes,required" json:"minutes"` // that a learner takes
	Needs   Needs  `yaml:"needs" json:"needs"`

	// Order is the lab's place in the course, from 1. Of the labs that come with
	// axolotl the list goes by it, and the end of one names the next.
	Order int `yaml:"order" json:"order,omitempty"`

	// Draw makes a game of the lab: of the steps that have a setup so many are
	// done, drawn by a seed, in an order drawn by it too. 0 does all in order.
	Draw int `yaml:"draw" json:"draw,omitempty"`

	Steps []Step `yaml:"steps,required" json:"steps"`

	file, source string // as Parse was given them
}

// Level is how much a lab expects its learner to know.
type Level string

// The levels.
const (
	Beginner     Level = "beginner"
	Intermediate Level = "intermediate"
	Advanced     Level = "advanced"
)

// Values are what a file may say.
func (Level) Values() []string {
	return []string{string(Beginner), string(Intermediate), string(Advanced)}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(text []byte) error { return strictyaml.SetWord(l, "unknown level", text) }

// Needs are what a lab asks of a cluster. On one that lacks it the lab is
// skipped.
type Needs struct {
	RealPods       bool `yaml:"real-pods" json:"realPods,omitempty"`             // containers that run and answer
	Nodes          int  `yaml:"nodes" json:"nodes,omitempty"`                    // at least so many
	MachineControl bool `yaml:"machine-control" json:"machineControl,omitempty"` // real machines, with power to cut and give
	NodePower      bool `yaml:"node-power" json:"nodePower,omitempty"`           // nodes that go silent and come back, simulated ones too

	// Addons are installed for the lab, and removed with it where nobody else
	// uses them.
	Addons []AddonName `yaml:"addons" json:"addons,omitempty"`
}

// AddonName is what a cluster does not have from the start and can be given.
type AddonName string

// Values are what a file may say.
func (AddonName) Values() []string { return addon.Names() }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *AddonName) UnmarshalText(text []byte) error {
	return strictyaml.SetWord(n, "unknown add-on", text)
}

// Step is one thing to do and to see.
type Step struct {
	Name string `yaml:"name,required" json:"name"` // a DNS label
	Say  Text   `yaml:"say,required" json:"say"`   // Markdown

	// Needs are what this step asks of a cluster beside what the lab does. On
	// one that lacks it the step is skipped, and said to be, and the lab goes
	// on; its variables are known only in steps that need the same.
	Needs Needs `yaml:"needs" json:"needs"`

	// Remember keeps values of the cluster as it is before the step, as
	// variables of this step and all later ones.
	Remember []Memory `yaml:"remember" json:"remember,omitempty"`

	// Setup is done by the lab before the learner's turn, after the values are
	// remembered: what goes wrong. The checks must not hold then.
	Setup []Action `yaml:"setup" json:"setup,omitempty"`

	// Do is the solution, in order. A learner may do it another way.
	Do []Action `yaml:"do" json:"do,omitempty"`

	// Check is what must be seen, in order.
	Check []Check `yaml:"check,required" json:"check"`

	// AlreadyTrue: the checks hold before the step is done, on purpose.
	AlreadyTrue bool `yaml:"alreadyTrue" json:"alreadyTrue,omitempty"`

	Hint []Hint `yaml:"hint" json:"hint,omitempty"` // shown one at a time

	// Timeout bounds the whole step; two minutes where it is not set.
	Timeout time.Duration `yaml:"timeout" json:"timeout,omitempty"`

	// OnFailure is what to collect when the step fails; all where not set.
	OnFailure []Evidence `yaml:"onFailure" json:"onFailure,omitempty"`
}

// Hint helps a learner who is stuck. One with a condition is shown only when
// this is what went wrong, and then before those without.
type Hint struct {
	Text
	When *Check `yaml:"when" json:"when,omitempty"`
}

const defaultTimeout = 2 * time.Minute

func (s *Step) limit() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return defaultTimeout
}

// Evidence is a kind of thing to collect from the lab's namespaces when a step
// fails.
type Evidence string

// The kinds of evidence.
const (
	Events   Evidence = "events"
	Describe Evidence = "describe" // a line for each object
	Logs     Evidence = "logs"     // the last lines of each container
)

// Values are what a file may say.
func (Evidence) Values() []string { return []string{string(Events), string(Describe), string(Logs)} }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *Evidence) UnmarshalText(text []byte) error {
	return strictyaml.SetWord(e, "cannot collect", text)
}

// Target says which objects are meant: one by name, or those with labels.
type Target struct {
	APIVersion string            `yaml:"apiVersion" json:"apiVersion,omitempty"` // not needed for Kubernetes' own kinds
	Kind       string            `yaml:"kind,required" json:"kind"`
	Namespace  string            `yaml:"namespace" json:"namespace,omitempty"` // the lab's own where empty
	Name       string            `yaml:"name" json:"name,omitempty"`
	Labels     map[string]string `yaml:"labels" json:"labels,omitempty"`
}

// String is "Deployment web" or "Pods with app=web".
func (t Target) String() string {
	if t.Name != "" {
		return t.Kind + " " + t.Name
	}
	return fmt.Sprintf("%ss with %s", t.Kind, labels.FormatLabels(t.Labels))
}

// Memory is a value to keep: a CEL expression over an object or a list.
type Memory struct {
	Name   string  `yaml:"name,required" json:"name"` // of the variable
	Object *Target `yaml:"object" json:"object,omitempty"`
	List   *Target `yaml:"list" json:"list,omitempty"`
	CEL    string  `yaml:"cel,required" json:"cel"`

	expression *check.Expression
}
