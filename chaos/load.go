package chaos

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"axolotl/chaos/catalog"
	"axolotl/chaos/fault"
	"axolotl/chaos/probe"
	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/strictyaml"
)

// experimentFile is an experiment as it is written by hand.
type experimentFile struct {
	Name   string     `yaml:"name,required"`   // by which it goes in the catalog and in reports
	Title  string     `yaml:"title,required"`  // in one line
	About  string     `yaml:"about"`           // what is to be learned from it
	Target targetFile `yaml:"target,required"` // what is broken

	// SteadyState is what must hold before the fault and again after it, beside
	// that nodes and pods are well.
	SteadyState []checkFile `yaml:"steadyState"`
	// Probe plays a client; without it none is played.
	Probe *probeFile `yaml:"probe"`
	// Fault is what is done to the target; 'axolotl chaos run --help' lists them.
	Fault *faultFile `yaml:"fault"`
	// Steps, where there are any, are what is broken instead of "fault", one
	// after another.
	Steps []stepFile `yaml:"steps"`

	// Lasts is how long the fault lasts before it is undone; 0: until what it
	// broke has healed, or the deadline. One that takes nothing, as a cordon, wants it.
	Lasts time.Duration `yaml:"lasts"`
	// HealWithin is the time from the fault within which all must be well; 60s.
	HealWithin time.Duration `yaml:"healWithin"`
	// Guards are the bounds that a run keeps.
	Guards guardsFile `yaml:"guards"`
	// Expect is the verdict that one wants to see: healed, healed-late,
	// not-healed, blocked or refused; healed. A run that ends with it exits with 0,
	// and any other one does not.
	Expect Verdict `yaml:"expect"`
	// Seed fixes which targets are chosen, and in what order; 0: one is made up.
	Seed int64 `yaml:"seed"`
}

// targetFile says what is broken: an app that is put up for it, or pods that
// exist, or nodes. For faults on nodes the pods that it names are those whose
// healing is watched.
type targetFile struct {
	App          string `yaml:"app"`          // put up for the run and removed after it: pingapp
	Replicas     int    `yaml:"replicas"`     // of the app; 3
	MinAvailable int    `yaml:"minAvailable"` // of the app's disruption budget; it has none where this is left out

	// TolerationSeconds is how long the app's pods stay on a node that is not
	// Ready or cannot be reached; 300, as Kubernetes has it.
	TolerationSeconds *int `yaml:"tolerationSeconds"`
	// GraceSeconds is how long they may take to end; 30, as Kubernetes has it.
	GraceSeconds *int `yaml:"graceSeconds"`
	// ReadinessSeconds is how often the kubelet asks whether they are ready; 1.
	ReadinessSeconds int `yaml:"readinessSeconds"`

	Namespace  string            `yaml:"namespace"`  // of pods that exist
	Deployment string            `yaml:"deployment"` // whose pods they are
	Selector   map[string]string `yaml:"selector"`   // of their labels, in place of the deployment

	// Nodes narrows the targets of faults on nodes: worker, or control-plane;
	// workers where there are any, else all.
	Nodes string `yaml:"nodes"`

	Count   int `yaml:"count"`   // so many of the candidates are chosen; 1
	Percent int `yaml:"percent"` // the same as a share of them
}

// checkFile is one more condition of the steady state, in CEL.
type checkFile struct {
	Name       string `yaml:"name,required"`   // what the report calls it
	APIVersion string `yaml:"apiVersion"`      // of the object, where its kind is not known here
	Kind       string `yaml:"kind,required"`   // of the object
	Namespace  string `yaml:"namespace"`       // empty: the target's
	Object     string `yaml:"object,required"` // its name
	CEL        string `yaml:"cel,required"`    // what holds, such as object.status.readyReplicas == 3
}

// probeFile is the client that is played: GET on a NodePort, past the API
// server.
type probeFile struct {
	Path string `yaml:"path"` // that it asks for; /
	// Loop is what the next request waits for: nothing, so that they keep their pace
	// while the service hangs (open), or the answer to the last (closed); open.
	Loop     probe.Loop    `yaml:"loop"`
	Interval time.Duration `yaml:"interval"` // from one request to the next, in a closed loop from an answer to the next request
	Timeout  time.Duration `yaml:"timeout"`  // after which a request counts as failed
}

// faultFile is one way to break one thing.
type faultFile struct {
	Name string `yaml:"name,required"` // of the fault
	With any    `yaml:"with"`          // settings, of the type that the fault has
}

// stepFile is a part of an experiment that breaks several things: a fault, or
// several at once. The next begins when what it broke has healed.
type stepFile struct {
	partFile `yaml:",inline"`
	// Parallel are parts that strike at once, each after a wait of its own, and of
	// which the last one to heal ends all.
	Parallel []partFile `yaml:"parallel"`
}

// partFile is one fault of a step, and what of the experiment is other for it.
type partFile struct {
	Fault      *faultFile    `yaml:"fault"`      // what is done
	Lasts      time.Duration `yaml:"lasts"`      // as the experiment's; what is not undone by then stays in while the next steps run
	HealWithin time.Duration `yaml:"healWithin"` // the experiment's where it is left out
	After      time.Duration `yaml:"after"`      // how long it waits, from its turn on, before it strikes
	Nodes      string        `yaml:"nodes"`      // the target's where it is left out
	Count      int           `yaml:"count"`      // the target's where it is left out
	Percent    int           `yaml:"percent"`    // the target's where it is left out
	Each       bool          `yaml:"each"`       // every candidate, one after another, each when the one before has healed
	Optional   bool          `yaml:"optional"`   // the experiment goes on without it where the cluster cannot give what its fault needs
}

// guardsFile are the bounds that a run keeps.
type guardsFile struct {
	MaxShare    int  `yaml:"maxShare"`    // how many of a hundred candidates may be targets; 50
	LastReplica bool `yaml:"lastReplica"` // allows the fault to take the last healthy pod of a controller that is the target
	// OthersLastReplica allows the fault to take the last healthy pod of a controller
	// that is not the target, and only has pods on the same node.
	OthersLastReplica bool `yaml:"othersLastReplica"`
	// DisruptionBudget allows the fault to take more pods than disruption budgets
	// do. Evictions and drains ask these themselves, whatever it is.
	DisruptionBudget bool `yaml:"disruptionBudget"`
	Quorum           bool `yaml:"quorum"` // allows the fault to take etcd's majority, of several control planes
}

// Parse reads an experiment; name is what faults call the file. The error is
// of type strictyaml.Faults: everything that is wrong, each with its place.
func Parse(name string, data []byte) (*Experiment, error) {
	document := strictyaml.Parse(name, data)
	var f experimentFile
	document.Decode(&f)
	e := &Experiment{
		Name: f.Name, Title: f.Title, About: strings.TrimSpace(f.About),
		Target: Target(f.Target), Lasts: f.Lasts, HealWithin: f.HealWithin,
		Guards: Guards(f.Guards), Expect: f.Expect, Seed: uint64(f.Seed),
	}
	if f.Probe != nil {
		p := Probe(*f.Probe)
		e.Probe = &p
	}
	if f.Fault != nil {
		e.Fault = parseFault(document, "fault", *f.Fault)
	}
	for i, s := range f.Steps {
		e.Steps = append(e.Steps, parseStep(document, fmt.Sprintf("steps[%d]", i), s))
	}
	for i, c := range f.SteadyState {
		e.SteadyState = append(e.SteadyState, parseCheck(document, fmt.Sprintf("steadyState[%d]", i), c))
	}
	e.SetDefaults()
	if document.Err() == nil { // else what follows would repeat it in other words
		for _, err := range flatten(e.Validate()) {
			document.Faultf(placeOf(err), "%v", err)
		}
	}
	if err := document.Err(); err != nil {
		return nil, err
	}
	return e, nil
}

func parseStep(document *strictyaml.Document, path string, f stepFile) Step {
	step := parsePart(document, path, f.partFile)
	for i, p := range f.Parallel {
		step.Parallel = append(step.Parallel, parsePart(document, fmt.Sprintf("%s.parallel[%d]", path, i), p))
	}
	return step
}

func parsePart(document *strictyaml.Document, path string, f partFile) Step {
	step := Step{
		Lasts: f.Lasts, HealWithin: f.HealWithin, After: f.After, Nodes: f.Nodes, Count: f.Count, Percent: f.Percent,
		Each: f.Each, Optional: f.Optional,
	}
	if f.Fault != nil {
		step.Fault = parseFault(document, path+".fault", *f.Fault)
	}
	return step
}

func parseFault(document *strictyaml.Document, path string, f faultFile) fault.Fault {
	if f.Name == "" {
		return nil // noted as missing already
	}
	parsed, err := fault.New(f.Name)
	if err != nil {
		document.Faultf(path+".name", "unknown fault %q%s; 'axolotl chaos list' shows them all", f.Name, strictyaml.DidYouMean(f.Name, fault.Names()))
		return nil
	}
	fault.DecodeAt(document, path+".with", parsed)
	return parsed
}

func parseCheck(document *strictyaml.Document, path string, c checkFile) Check {
	kind, ok := kube.Kind(c.APIVersion, c.Kind)
	if !ok && c.Kind != "" {
		document.Faultf(path+".kind", "kind %q needs an apiVersion%s", c.Kind, strictyaml.DidYouMean(c.Kind, kube.Kinds()))
	}
	out := Check{Name: c.Name, Selector: check.Selector{GroupVersionKind: kind, Namespace: c.Namespace, Name: c.Object}}
	if c.CEL == "" {
		return out
	}
	var err error
	out.Expression, err = check.Compile(c.CEL, check.Assertion, map[string]*check.Type{"object": check.ObjectType})
	var issues check.Issues
	if errors.As(err, &issues) {
		for _, i := range issues {
			document.FaultInside(path+".cel", i.Line, i.Column, "%s", i.Message)
		}
	}
	return out
}

// placeOf is the path that a fault of Validate begins with, "" for none.
func placeOf(err error) string {
	word, _, _ := strings.Cut(err.Error(), " ")
	return word
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

var shelf = strictyaml.Catalog{Files: catalog.Files, Kind: "experiment", List: "axolotl chaos list"}

// Open reads an experiment of the catalog by its name, or a file: what has a
// slash or ends in .yaml or .yml.
func Open(nameOrFile string) (*Experiment, error) {
	name, data, err := shelf.Read(nameOrFile)
	if err != nil {
		return nil, err
	}
	return Parse(name, data)
}

// CatalogNames are the names of the experiments that come with axolotl, sorted.
func CatalogNames() []string { return shelf.Names() }
