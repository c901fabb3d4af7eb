package labs

import (
	"time"

	"axolotl/internal/check"
)

// Check is one thing that must be seen. Exactly one of the fields from Object
// to APIServer is set.
type Check struct {
	That *Text `yaml:"that" json:"that,omitempty"` // the check in a person's words

	Object  *Target  `yaml:"object" json:"object,omitempty"`   // it exists; CEL: "object"
	List    *Target  `yaml:"list" json:"list,omitempty"`       // CEL: "objects"
	HTTP    *HTTP    `yaml:"http" json:"http,omitempty"`       // CEL: "status", "body", "json"
	Exec    *Exec    `yaml:"exec" json:"exec,omitempty"`       // CEL: "stdout", "stderr", "exitCode"
	Event   *Event   `yaml:"event" json:"event,omitempty"`     // it was recorded
	Access  *Access  `yaml:"access" json:"access,omitempty"`   // it is allowed, as "kubectl auth can-i" says
	Refused *Refused `yaml:"refused" json:"refused,omitempty"` // the API server would refuse this
	Diff    *Diff    `yaml:"diff" json:"diff,omitempty"`       // CEL: "changes"

	Kubeconfig *Kubeconfig `yaml:"kubeconfig" json:"kubeconfig,omitempty"` // of the lab; CEL: "config"

	APIServer *APIServer `yaml:"apiServer" json:"apiServer,omitempty"` // it answers

	CEL      string `yaml:"cel" json:"cel,omitempty"`
	Contains string `yaml:"contains" json:"contains,omitempty"` // in body, standard output or message

	Not    bool          `yaml:"not" json:"not,omitempty"`       // it must not be so
	Within time.Duration `yaml:"within" json:"within,omitempty"` // it becomes so; the rest of the step's timeout where not set
	For    time.Duration `yaml:"for" json:"for,omitempty"`       // then it stays so

	expression *check.Expression
}

// HTTP asks an app by GET, through the API server: a Service, a pod, or each
// pod with these labels. A node port is asked by the host itself, past the API
// server.
type HTTP struct {
	Service string            `yaml:"service" json:"service,omitempty"`
	Pod     string            `yaml:"pod" json:"pod,omitempty"`
	Pods    map[string]string `yaml:"pods" json:"pods,omitempty"`
	Port    int               `yaml:"port" json:"port,omitempty"`
	Path    string            `yaml:"path" json:"path,omitempty"` // "/" where empty

	NodePort string `yaml:"nodePort" json:"nodePort,omitempty"` // a number, as a rule one that was remembered
}

// Event looks for what the cluster recorded. Empty fields match any.
type Event struct {
	Kind   string `yaml:"kind" json:"kind,omitempty"`
	Name   string `yaml:"name" json:"name,omitempty"` // or the beginning of one, before a "-"
	Reason string `yaml:"reason" json:"reason,omitempty"`
}

// Access asks whether somebody may do something.
type Access struct {
	Context        string `yaml:"context" json:"context,omitempty"`               // of the lab's own kubeconfig, and its namespace
	ServiceAccount string `yaml:"serviceAccount" json:"serviceAccount,omitempty"` // of the lab's namespace, or "namespace:name"
	Verb           string `yaml:"verb,required" json:"verb"`
	Resource       string `yaml:"resource,required" json:"resource"` // "pods", "deployments.apps", "pods/log"
	Name           string `yaml:"name" json:"name,omitempty"`
	Namespace      string `yaml:"namespace" json:"namespace,omitempty"` // the lab's own where empty
}

// Refused asks the API server for something in a dry run, which changes
// nothing.
type Refused struct {
	Apply          string `yaml:"apply" json:"apply,omitempty"`                   // manifests
	Evict          string `yaml:"evict" json:"evict,omitempty"`                   // a pod
	ServiceAccount string `yaml:"serviceAccount" json:"serviceAccount,omitempty"` // acting as this one,
	Context        string `yaml:"context" json:"context,omitempty"`               // or by this context of the lab's own kubeconfig; the cluster's administrator where both are empty
}

// Diff asks what applying manifests would change now, as "kubectl diff" does:
// a list of paths, such as "Deployment web: spec.replicas".
type Diff struct {
	Apply string `yaml:"apply,required" json:"apply"`
}

// Kubeconfig looks at the lab's own kubeconfig: "config.current", and
// "config.contexts" by name, each with its cluster, user and namespace.
type Kubeconfig struct{}

// APIServer asks whether the API server answers.
type APIServer struct{}

// subjects names what the check looks at.
func (c Check) subjects() []string {
	var subjects []string
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"object", c.Object != nil}, {"list", c.List != nil}, {"http", c.HTTP != nil},
		{"exec", c.Exec != nil}, {"event", c.Event != nil},
		{"access", c.Access != nil}, {"refused", c.Refused != nil},
		{"diff", c.Diff != nil}, {"apiServer", c.APIServer != nil},
		{"kubeconfig", c.Kubeconfig != nil},
	} {
		if s.set {
			subjects = append(subjects, s.name)
		}
	}
	return subjects
}

// subjectVariables are what the expressions of each subject know.
var subjectVariables = map[string]map[string]*check.Type{
	"object": {"object": check.ObjectType},
	"list":   {"objects": check.ObjectsType},
	"http":   {"status": check.IntType, "body": check.StringType, "json": check.AnyType},
	"diff":   {"changes": check.TextsType},

	"kubeconfig": {"config": check.ObjectType},
	"exec":       {"stdout": check.StringType, "stderr": check.StringType, "exitCode": check.IntType},
}
