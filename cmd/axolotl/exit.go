package main

import "github.com/spf13/cobra"

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

// usageErrors gives the errors of a command's argument check their exit code.
func usageErrors(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return codedError{err, exitUsage}
		}
		return nil
	}
}
