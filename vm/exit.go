package vm

import (
	"cmp"
	"fmt"
	"strings"
)

// ExitError is that of a command that has run in a machine, and has failed.
type ExitError struct {
	Machine string
	Argv    []string
	Code    int    // its exit code
	Signal  int    // that has ended it; 0: none has
	Said    string // its standard error, or where that is empty its standard output
}

// How much of a command, and of what it said, an error shows.
const (
	exitCommand = 120 // characters, from the beginning
	exitSaid    = 800 // characters, from the end
	exitLines   = 8
)

// Error names the command and how it ended. Of a script, which has several lines,
// it is what that said, or else how it ended: the script is ours, and it is known
// from where the error comes what it was to do.
func (e *ExitError) Error() string {
	ended := fmt.Sprintf("exit code %d", e.Code)
	if e.Signal != 0 {
		ended = fmt.Sprintf("ended by signal %d", e.Signal)
	}
	said, command := ending(e.Said), strings.Join(e.Argv, " ")
	if strings.Contains(command, "\n") {
		if e.Signal != 0 && said != "" {
			said = ended + ": " + said
		}
		return e.Machine + ": " + cmp.Or(said, ended)
	}
	if all := []rune(command); len(all) > exitCommand {
		command = string(all[:exitCommand]) + "…"
	}
	return strings.TrimSuffix(fmt.Sprintf("exec %q on %s: %s: %s", command, e.Machine, ended, said), ": ")
}

// ending is a text, or its last lines, where why something failed stands as a rule.
func ending(text string) string {
	text = strings.TrimSpace(text)
	short := text
	if lines := strings.Split(short, "\n"); len(lines) > exitLines {
		short = strings.Join(lines[len(lines)-exitLines:], "\n")
	}
	if all := []rune(short); len(all) > exitSaid {
		short = string(all[len(all)-exitSaid:])
	}
	if short != text {
		return "… " + strings.TrimSpace(short)
	}
	return text
}
