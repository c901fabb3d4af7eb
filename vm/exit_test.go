package vm

import (
	"fmt"
	"strings"
	"testing"
)

// What a failed command says is told, and no script.
func TestExitError(t *testing.T) {
	script := []string{"/bin/sh", "-c", "set -eu\nPATH=/bin\n" + strings.Repeat("false || true\n", 200)}
	var long []string
	for i := range 1000 {
		long = append(long, fmt.Sprintf("line %d", i))
	}
	for name, test := range map[string]struct {
		err  ExitError
		want string
	}{
		"a command":              {ExitError{Argv: []string{"/bin/ping", "x"}, Code: 3, Said: "no route\n"}, `exec "/bin/ping x" on worker-2: exit code 3: no route`},
		"a silent command":       {ExitError{Argv: []string{"/bin/false"}, Code: 1, Said: " \n"}, `exec "/bin/false" on worker-2: exit code 1`},
		"a command and a signal": {ExitError{Argv: []string{"/bin/sleep", "9"}, Signal: 9}, `exec "/bin/sleep 9" on worker-2: ended by signal 9`},
		"a long command":         {ExitError{Argv: []string{"/bin/ls", strings.Repeat("ñ", 200)}, Code: 2}, `exec "/bin/ls ` + strings.Repeat("ñ", 112) + `…" on worker-2: exit code 2`},
		"a script":               {ExitError{Argv: script, Code: 1, Said: "percent: 5 is none of 10 to 90\n"}, "worker-2: percent: 5 is none of 10 to 90"},
		"a silent script":        {ExitError{Argv: script, Code: 1}, "worker-2: exit code 1"},
		"a script and a signal":  {ExitError{Argv: script, Signal: 15, Said: "half done"}, "worker-2: ended by signal 15: half done"},
		"many lines":             {ExitError{Argv: script, Code: 1, Said: strings.Join(long, "\n")}, "worker-2: … " + strings.Join(long[992:], "\n")},
		"one long line":          {ExitError{Argv: script, Code: 1, Said: strings.Join(long, " ")}, "worker-2: … " + tail(strings.Join(long, " "), 800)},
	} {
		test.err.Machine = "worker-2"
		if got := test.err.Error(); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

func tail(text string, count int) string { return strings.TrimSpace(text[len(text)-count:]) }
