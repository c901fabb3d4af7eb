package strictyaml

import (
	"fmt"
	"slices"
	"strings"
)

// Word is a type whose values are a few words; Values names them, and does not
// depend on the receiver.
type Word interface {
	~string
	Values() []string
}

// SetWord sets a word, as UnmarshalText of such a type does. wrong is how the
// error begins of what is none: "unknown level".
func SetWord[W Word](word *W, wrong string, text []byte) error {
	values := (*word).Values()
	if !slices.Contains(values, string(text)) {
		last := len(values) - 1
		return fmt.Errorf("%s %q%s; use %s or %s", wrong, text, DidYouMean(string(text), values), strings.Join(values[:last], ", "), values[last])
	}
	*word = W(text)
	return nil
}
