package main

import (
	"context"
	"errors"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"axolotl/chaos/history"
	"axolotl/internal/term"
)

func newTop(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "top",
		Short: "Watch clusters, runs and the next firings, live",
		Long: `Show in the terminal, again each second, the clusters on this host with their
machines and nodes, the chaos runs at work with their timeline as it grows, of
whatever process, how the last ones ended, and what 'axolotl serve' will run
next. q quits.

Where there is no terminal: 'axolotl status', 'axolotl chaos report list' and
'axolotl schedule list' tell the same once, also as JSON.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if keys, ok := a.in.(*os.File); !ok || !term.IsLive(keys) || !term.IsLive(a.out) {
				return codedError{errors.New("top needs a terminal; use 'axolotl status NAME', 'axolotl chaos report list' and 'axolotl schedule list', with -o json for programs"), exitUsage}
			}
			return a.withHistory(cmd.Context(), func(db *history.DB) error { return runTop(cmd.Context(), a, db) })
		},
	}
}

// runTop shows what there is until a key or ctx ends it.
func runTop(ctx context.Context, a *app, db *history.DB) error {
	look := func() topScene { return lookAround(ctx, a, db) }
	program := tea.NewProgram(topModel{look: look, scene: look()},
		tea.WithContext(ctx), tea.WithInput(a.in), tea.WithOutput(a.out), tea.WithoutSignalHandler())
	_, err := program.Run()
	if ctx.Err() != nil {
		return ctx.Err() // the program says only that it was killed
	}
	return err
}
