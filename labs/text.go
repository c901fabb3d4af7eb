package labs

import (
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

// In returns the text in a language.
func (t Text) In(language Language) string {
	if language == Spanish {
		return t.ES
	}
	return t.EN
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
