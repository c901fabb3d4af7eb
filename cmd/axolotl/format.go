package main

import (
	"io"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
)

// newFormat is the command that explains the files of one kind.
func newFormat(a *app, kind string, text func() string) *cobra.Command {
	return &cobra.Command{
		Use:   "format",
		Short: "Print what " + kind + " file may hold: every field and what it means",
		Args:  usageErrors(cobra.NoArgs),
		RunE:  func(*cobra.Command, []string) error { return a.printFormat(text()) },
	}
}

// newSchema is the command that prints the JSON Schema of files of one kind.
func newSchema(a *app, kind string, schema func() map[string]any) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of " + kind + " file, for editors",
		Args:  usageErrors(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			return term.FormatJSON.Print(a.out, schema(), nil)
		},
	}
}

func (a *app) printFormat(text string) error {
	if a.colored() {
		text = term.Markdown(text, true)
	}
	_, err := io.WriteString(a.out, text) // as it is into a file
	return err
}
