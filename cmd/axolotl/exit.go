package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"axolotl/internal/strictyaml"
)

// Exit codes. Verdicts of chaos runs have codes of their own, from 10 up.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2   // wrong flags or arguments
	exitSkipped     = 3   // nothing failed, but nothing ran either
	exitInterrupted = 130 // SIGINT, SIGTERM or SIGHUP
	exitBrokenPipe  = 141 // as a shell tells of SIGPIPE
)

// codedError is an error with an exit code.
type codedError struct {
	error
	code int
}

func (e codedError) ExitCode() int { return e.code }
func (e codedError) Unwrap() error { return e.error }

// family makes of a command one that only holds others: alone it prints its
// help, and a word that is none of them is wrong usage.
func family(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return codedError{unknownCommand(cmd, args[0]), exitUsage}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

func unknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("unknown command %q for %q%s; see '%s --help'",
		word, cmd.CommandPath(), strictyaml.DidYouMean(word, names), cmd.CommandPath())
}

// strictHelp has 'help WORD' say that there is no such command, where cobra prints
// the help of all.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"}) //nolint:errcheck // it was just made
	help.Run = nil
	help.RunE = func(_ *cobra.Command, args []string) error {
		found, rest, err := root.Find(args)
		if err == nil && len(rest) > 0 {
			err = unknownCommand(found, rest[0])
		}
		if err != nil {
			return codedError{err, exitUsage}
		}
		found.InitDefaultHelpFlag() // or it would not be among the flags
		return found.Help()
	}
}

// heading is a line of its own above the errors of files, each of which begins a line
// with its place, for whoever jumps there.
func heading(err error) string {
	var faults strictyaml.Faults
	if !errors.As(err, &faults) || !strings.HasPrefix(err.Error(), faults.Error()) {
		return ""
	}
	if err.Error() != faults.Error() {
		return "there are errors:\n"
	}
	return fmt.Sprintf("%s in %s:\n", counted(len(faults), "error"), faults[0].File)
}

// namedOrAll wants things to be named, or all of them to be asked for.
func namedOrAll(names []string, all bool, things string) error {
	switch {
	case all && len(names) > 0:
		return codedError{errors.New("name them or say --all, not both"), exitUsage}
	case !all && len(names) == 0:
		return codedError{fmt.Errorf("say which %s, or --all", things), exitUsage}
	}
	return nil
}

// usageErrors gives the errors of a command's argument check their exit code, and
// says which argument is missing or too many, and how the command is called.
func usageErrors(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		wrong := "which " + missingArgument(cmd, len(args)) + "?"
		for n := len(args) - 1; n >= 0; n-- {
			if check(cmd, args[:n]) == nil {
				wrong = fmt.Sprintf("unexpected argument %q;", args[n])
				break
			}
		}
		return codedError{fmt.Errorf("%s usage: %s", wrong, cmd.UseLine()), exitUsage}
	}
}

// namedBy is what the NAME is of that the commands of a family take.
var namedBy = map[string]string{"lab": "lab", "chaos": "experiment", "schedule": "schedule", "addon": "add-on"}

// missingArgument says in a person's words what the argument is that a command has
// too few without.
func missingArgument(cmd *cobra.Command, at int) string {
	words := strings.Fields(strings.ReplaceAll(cmd.Use, "[", ""))[1:]
	if len(words) == 0 {
		return "argument"
	}
	word, _, _ := strings.Cut(words[min(at, len(words)-1)], "|")
	word = strings.ToLower(strings.TrimRight(word, ".]"))
	switch {
	case word == "name":
		return cmp.Or(namedBy[cmd.Parent().Name()], "cluster")
	case len(word) == 1: // one of several alike
		return cmp.Or(namedBy[cmd.Parent().Name()], word)
	}
	return word
}
