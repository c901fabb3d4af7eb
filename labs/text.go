package labs

import (
	"fmt"
	"os"
	"strings"
)

// Text is a text in every language that labs speak.
type Text struct {
	EN string `yaml:"en,required" json:"en"`
	ES string `yaml:"es,required" json:"es"`
}

// Language is one of the languages that labs speak.
type Language string

// The languages.
const (
	English Language = "en"
	Spanish Language = "es"
)

// Set implements pflag.Value.
func (l *Language) Set(value string) error {
	switch language := Language(value); language {
	case English, Spanish:
		*l = language
		return nil
	}
	return fmt.Errorf("unknown language %q; use en or es", value)
}

// String implements pflag.Value.
func (l *Language) String() string { return string(*l) }

// Type implements pflag.Value.
func (l *Language) Type() string { return "en|es" }

// In returns the text in a language.
func (t Text) In(language Language) string {
	if language == Spanish {
		return t.ES
	}
	return t.EN
}

// Preview returns a text as it reads before the lab has run: an example for
// its namespace, and names for what is not known yet.
func (l *Lab) Preview(t Text, language Language) string {
	return l.PreviewStep(&Step{Say: t}, language)
}

// PreviewStep is Preview of what a step says.
func (l *Lab) PreviewStep(step *Step, language Language) string {
	text, err := step.sayWith(language, func(name string, _ int) (string, error) {
		switch name {
		case namespaceVariable:
			return "lab-" + l.Name, nil
		case clusterVariable:
			return "CLUSTER", nil
		case kubeconfigVariable:
			return "lab.kubeconfig", nil
		}
		return "<" + name + ">", nil
	})
	if err != nil {
		return step.Say.In(language) // Parse has refused such a text
	}
	return text
}

// EnvironmentLanguage is the language that the user's locale asks for, as
// programs read it: LC_ALL, else LC_MESSAGES, else LANG. English is for
// everybody else.
func EnvironmentLanguage() Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale := os.Getenv(name); locale != "" {
			if strings.HasPrefix(locale, "es") {
				return Spanish
			}
			return English
		}
	}
	return English
}
