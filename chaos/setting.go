package chaos

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Variant returns another experiment, with other settings: each PATH=VALUE, as
// it stands in a file: "fault.with.gracePeriod=5s". The value is YAML. It has
// another name, so that its runs are not taken for those of e.
func Variant(e *Experiment, settings ...string) (*Experiment, error) {
	text, err := e.File()
	if err != nil {
		return nil, err
	}
	var file map[string]any
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return nil, err
	}
	for _, setting := range settings {
		path, text, ok := strings.Cut(setting, "=")
		if !ok || path == "" {
			return nil, fmt.Errorf("setting %q: use PATH=VALUE, such as fault.with.gracePeriod=5s", setting)
		}
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			return nil, fmt.Errorf("setting %q: the value is no YAML: %w", setting, err)
		}
		if err := unstructured.SetNestedField(file, value, strings.Split(path, ".")...); err != nil {
			return nil, fmt.Errorf("setting %q: %w", setting, err)
		}
	}
	words := strings.Join(settings, ", ")
	file["name"], file["title"] = e.Name+"-b", fmt.Sprintf("%s, with %s", e.Title, words)
	data, err := yaml.Marshal(file)
	if err != nil {
		return nil, err
	}
	return Parse(fmt.Sprintf("%s with %s", e.Name, words), data)
}
