package cluster

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// DefaultName is the cluster that commands mean where none is named.
const DefaultName = "axolotl"

// maxName keeps domain and context names short enough for every tool.
const maxName = 40

// ValidateName accepts DNS labels of at most 40 characters.
func ValidateName(name string) error {
	if faults := validation.IsDNS1123Label(name); len(faults) > 0 {
		return fmt.Errorf("cluster name %q: %s", name, strings.Join(faults, "; "))
	}
	if len(name) > maxName {
		return fmt.Errorf("cluster name %q has %d characters; take at most %d", name, len(name), maxName)
	}
	return nil
}
