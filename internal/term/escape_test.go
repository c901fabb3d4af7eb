package term

import "testing"

func TestEscape(t *testing.T) {
	tests := map[string]string{
		"plain, Ä and 界 and 🙂":  "plain, Ä and 界 and 🙂",
		"two\nlines\tand a tab": "two\nlines\tand a tab",
		"\x1b[31mred\x1b[0m":    `\x1b[31mred\x1b[0m`,
		"title\x1b]0;pwned\a":   `title\x1b]0;pwned\a`,
		"over\rwritten\b\x00":   `over\rwritten\b\x00`,
		"\u009b31m":             `\u009b31m`, // the one-character form of ESC [
		"gnp.\u202eexe":         `gnp.\u202eexe`,
		"\u2066isolated\u2069":  `\u2066isolated\u2069`,
		"no UTF-8: \xff":        `no UTF-8: \ufffd`,
	}
	for text, want := range tests {
		if got := Escape(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
