package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"axolotl/vm"
)

func newNodeConsole(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "console NAME NODE",
		Short: "Open a root shell on a machine's serial console",
		Long: `Open the serial console of a machine, which is a root shell: it needs no network
and no key, and works while the node is cut off. Press Enter for a prompt, and
Ctrl-] to leave.`,
		Args:              usageErrors(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.handle(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			consoler, ok := h.Driver.(vm.Consoler)
			if !ok {
				return fmt.Errorf("driver %s has no machines with a console", h.Driver.Name())
			}
			if in, ok := a.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
				a.progress.Line("console of %s: Enter for a prompt, Ctrl-] to leave", args[1])
				old, err := term.MakeRaw(int(in.Fd()))
				if err != nil {
					return err
				}
				defer term.Restore(int(in.Fd()), old) //nolint:errcheck // there is nothing else to try
			}
			return consoler.Console(cmd.Context(), h.Cluster, args[1], a.in, a.out)
		},
	}
}
