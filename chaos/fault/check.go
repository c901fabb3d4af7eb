package fault

import (
	"errors"
	"fmt"

	"axolotl/internal/strictyaml"
)

// Checked are settings of which not every value will do.
type Checked interface {
	// Check returns what is wrong with each of them, as far as they alone tell: what
	// only a cluster can tell is Prepare's to say. Defaults are right. An undo does
	// not ask, for what was done is undone whatever its settings are.
	Check() []Wrong
}

// Wrong is a setting, by its name in a file, that cannot be what it is.
type Wrong struct{ Setting, Reason string }

// Error says what the setting is to be.
func (w Wrong) Error() string { return w.Setting + ": " + w.Reason }

// Check returns what is wrong with the settings of a fault, which is to be known
// before anything is done.
func Check(f Fault) error {
	var errs []error
	for _, w := range wrong(f) {
		errs = append(errs, fmt.Errorf("setting of fault %s: %w", f.Name(), w))
	}
	return errors.Join(errs...)
}

func wrong(f Fault) []Wrong {
	if checked, ok := Settings(f).(Checked); ok {
		return checked.Check()
	}
	return nil
}

// DecodeAt reads the settings of a fault from the path of a file, and notes at each
// of them what is wrong with it.
func DecodeAt(document *strictyaml.Document, path string, f Fault) {
	document.DecodeAt(path, Settings(f))
	for _, w := range wrong(f) {
		document.Faultf(path+"."+w.Setting, "%v", w)
	}
}

// between wants a number from least to most.
func between(setting string, value, least, most int) []Wrong {
	if value < least || value > most {
		return []Wrong{{setting, fmt.Sprintf("want %d to %d, found %d", least, most, value)}}
	}
	return nil
}

// atLeast wants a number that is not less.
func atLeast(setting string, value, least int) []Wrong {
	if value < least {
		return []Wrong{{setting, fmt.Sprintf("want %d or more, found %d", least, value)}}
	}
	return nil
}

// some wants a text that is not empty.
func some(setting, value string) []Wrong {
	if value == "" {
		return []Wrong{{setting, "want a text, found an empty one; leave it out for the default"}}
	}
	return nil
}
