package incluster

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"text/template"

	"sigs.k8s.io/yaml"

	"axolotl/internal/strictyaml"
)

//go:generate go run axolotl/internal/strictyaml/gocomments/write ../schedule .

var (
	//go:embed manifests.yaml
	manifests string
	//go:embed comments.json
	commentsFile []byte

	parsed = template.Must(template.New("manifests").Parse(manifests))
)

// Manifests are the objects of an installation, by what differs between two.
type Manifests struct {
	Namespace string
	Image     string
	// Targets are the namespaces in which pods and workloads may be broken, and
	// Nodes says that nodes may be: without either the replicas have no right to
	// change anything but their own.
	Targets []string
	Nodes   bool
}

// YAML is the custom resource and all that serves it, to be applied.
func (m Manifests) YAML() ([]byte, error) {
	definition, err := Definition()
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(definition)
	fmt.Fprintln(out, "---")
	err = parsed.Execute(out, m)
	return out.Bytes(), err
}

// Definition is the CustomResourceDefinition of schedules, as YAML. Its schema
// is that of the types that read them.
func Definition() ([]byte, error) {
	comments := strictyaml.Comments{}
	if err := json.Unmarshal(commentsFile, &comments); err != nil {
		return nil, err
	}
	type object = map[string]any
	column := func(name, kind, path string) object { return object{"name": name, "type": kind, "jsonPath": path} }
	return yaml.Marshal(object{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": object{"name": resource.Resource + "." + resource.Group},
		"spec": object{
			"group": resource.Group, "scope": "Namespaced",
			"names": object{"plural": resource.Resource, "singular": "schedule", "kind": "Schedule", "listKind": "ScheduleList"},
			"versions": []object{{
				"name": resource.Version, "served": true, "storage": true,
				"subresources": object{"status": object{}},
				"additionalPrinterColumns": []object{
					column("Cron", "string", ".spec.cron"),
					column("Accepted", "string", `.status.conditions[?(@.type=="Accepted")].status`),
					column("Last", "string", ".status.last"),
					column("Next", "string", ".status.next"),
				},
				"schema": object{"openAPIV3Schema": object{
					"type": "object", "required": []string{"spec"},
					"properties": object{
						"spec":   strictyaml.OpenAPI[Spec](comments, notInSpec...),
						"status": strictyaml.OpenAPI[Status](comments),
					},
				}},
			}},
		},
	})
}
