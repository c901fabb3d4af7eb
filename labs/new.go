package labs

import (
	"bytes"
	_ "embed"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
)

//go:embed new.yaml
var newFile []byte

// NewFile is the text of a lab to begin with: commented, valid, and it runs.
func NewFile(name string) ([]byte, error) {
	if len(validation.IsDNS1123Label(name)) > 0 || len(name) > maxName {
		return nil, fmt.Errorf("%q is no name for a lab; use at most %d small letters, digits and -", name, maxName)
	}
	return bytes.ReplaceAll(newFile, []byte("NAME"), []byte(name)), nil
}
