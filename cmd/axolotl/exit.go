package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/internal/strictyaml"
)

// Exit codes. Verdicts of chaos runs have codes of their own, from 10 up.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2   // wrong flags or arguments
	exitSkipped     = 3   // nothing failed, but nothing ran either
	exitInterrupted = 130 // SIGINT or SIGTERM
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
	cmd.Args = usageErrors(func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var names []string
		for _, c := range cmd.Commands() {
			if !c.Hidden {
				names = append(names, c.Name())
			}
		}
		return fmt.Errorf("unknown command %q for %q%s; see '%s --help'",
			args[0], cmd.CommandPath(), strictyaml.DidYouMean(args[0], names), cmd.CommandPath())
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// usageErrors gives the errors of a command's argument check their exit code,
// and says how the command is called.
func usageErrors(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return codedError{fmt.Errorf("%w; usage: %s", err, cmd.UseLine()), exitUsage}
		}
		return nil
	}
}
