package chaos

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"axolotl/chaos/fault"
)

//go:embed new.yaml
var newFile string

var newTemplate = template.Must(template.New("new").Parse(newFile))

// experimentName is what an experiment may be called: its name is part of a
// namespace's.
var experimentName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$`)

func validateName(name string) error {
	if !experimentName.MatchString(name) {
		return fmt.Errorf("name %q: use up to 40 lower-case letters, digits and hyphens, a letter first", name)
	}
	return nil
}

// lasts tells whether a fault is, as a rule, to be undone after a time: it does not
// end by itself, or nothing else would be seen of it.
func lasts(e fault.Effect) bool {
	return e.Takes == fault.TakesNothing || e.Takes != fault.TakesBoots && e.On != fault.OnPods
}

// NewFile is a file for a new experiment with a fault, with comments that say
// what may stand in it. Parse takes it as it is.
func NewFile(name, faultName string) (string, error) {
	if err := validateName(name); err != nil {
		return "", err
	}
	f, err := fault.New(faultName)
	if err != nil {
		return "", err
	}
	settings, err := fault.SettingsOf(f)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = newTemplate.Execute(&b, map[string]any{
		"Name": name, "Fault": f.Name(), "Doc": f.Doc(), "On": f.Effect().On, "Settings": fault.SettingLines(settings),
		"Takes": f.Effect().Takes, "Lasts": lasts(f.Effect()),
	})
	return b.String(), err
}
