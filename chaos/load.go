package chaos

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"axolotl/chaos/catalog"
	"axolotl/chaos/fault"
	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/strictyaml"
)

// file is an experiment as it is written by hand.
type file struct {
	Name        string        `yaml:"name,required"`
	Title       string        `yaml:"title,required"`
	About       string        `yaml:"about"`
	Target      targetFile    `yaml:"target,required"`
	SteadyState []checkFile   `yaml:"steadyState"`
	Probe       *probeFile    `yaml:"probe"`
	Fault       faultFile     `yaml:"fault,required"`
	Lasts       time.Duration `yaml:"lasts"`
	HealWithin  time.Duration `yaml:"healWithin"`
	Guards      guardsFile    `yaml:"guards"`
	Seed        int64         `yaml:"seed"`
}

type targetFile struct {
	App          string            `yaml:"app"`
	Replicas     int               `yaml:"replicas"`
	MinAvailable int               `yaml:"minAvailable"`
	Namespace    string            `yaml:"namespace"`
	Deployment   string            `yaml:"deployment"`
	Selector     map[string]string `yaml:"selector"`
	Nodes        string            `yaml:"nodes"`
	Count        int               `yaml:"count"`
	Percent      int               `yaml:"percent"`
}

type checkFile struct {
	Name       string `yaml:"name,required"`
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind,required"`
	Namespace  string `yaml:"namespace"` // empty: the target's
	Object     string `yaml:"object,required"`
	CEL        string `yaml:"cel,required"`
}

type probeFile struct {
	Path     string        `yaml:"path"`
	Interval time.Duration `yaml:"interval"`
	Timeout  time.Duration `yaml:"timeout"`
}

type faultFile struct {
	Name string `yaml:"name,required"`
	With any    `yaml:"with"` // settings, of the type that the fault has
}

type guardsFile struct {
	MaxShare    int  `yaml:"maxShare"`
	LastReplica bool `yaml:"lastReplica"`
}

// Parse reads an experiment; name is what faults call the file. The error is
// of type strictyaml.Faults: everything that is wrong, each with its place.
func Parse(name string, data []byte) (*Experiment, error) {
	document := strictyaml.Parse(name, data)
	var f file
	document.Decode(&f)
	e := &Experiment{
		Name: f.Name, Title: f.Title, About: strings.TrimSpace(f.About),
		Target: Target(f.Target), Lasts: f.Lasts, HealWithin: f.HealWithin,
		Guards: Guards(f.Guards), Seed: uint64(f.Seed),
	}
	if f.Probe != nil {
		p := Probe(*f.Probe)
		e.Probe = &p
	}
	e.Fault = parseFault(document, f.Fault)
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

func parseFault(document *strictyaml.Document, f faultFile) fault.Fault {
	if f.Name == "" {
		return nil // noted as missing already
	}
	parsed, err := fault.New(f.Name)
	if err != nil {
		document.Faultf("fault.name", "unknown fault %q%s; known are %s", f.Name, strictyaml.DidYouMean(f.Name, fault.Names()), strings.Join(fault.Names(), ", "))
		return nil
	}
	document.DecodeAt("fault.with", fault.Settings(parsed))
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
