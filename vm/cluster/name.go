package cluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
)

// DefaultName is the cluster that commands mean where none is named.
const DefaultName = "axolotl"

// maxName keeps domain and context names short enough for every tool.
const maxName = 40

// NameError is the error for what cannot be the name of a cluster.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	if len(e.Name) > maxName {
		return fmt.Sprintf("cluster name %q has %d characters; take at most %d", e.Name, len(e.Name), maxName)
	}
	return fmt.Sprintf("cluster name %q is no DNS label; use small letters, digits and -", e.Name)
}

// ValidateName accepts DNS labels of at most 40 characters. The error is a
// *NameError.
func ValidateName(name string) error {
	if len(name) > maxName || len(validation.IsDNS1123Label(name)) > 0 {
		return &NameError{name}
	}
	return nil
}
