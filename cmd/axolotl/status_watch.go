package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"axolotl/internal/term"
	"axolotl/vm/cluster"
)

// watchStatus shows a cluster after each change.
func watchStatus(ctx context.Context, a *app, name string, format term.Format) error {
	err := a.clusters().Watch(ctx, name, a.open, statusView(a, format))
	if ctx.Err() != nil {
		return codedError{errors.New(""), exitInterrupted} // that is how one ends it
	}
	if err == nil {
		a.progress.Line("cluster %s is gone", name)
	}
	return err
}

// statusView is how one status after another is shown.
func statusView(a *app, format term.Format) func(*cluster.Status) error {
	if terminal, ok := a.out.(*os.File); ok && format == term.FormatTable && term.IsLive(a.out) {
		live := term.NewLive(terminal)
		return func(status *cluster.Status) error {
			var text strings.Builder
			err := printStatus(&text, status)
			live.Draw(text.String())
			return err
		}
	}
	var before *cluster.Status
	return func(status *cluster.Status) error {
		return format.Print(a.out, status, func() error {
			for _, line := range status.Changes(before) {
				fmt.Fprintf(a.out, "%s %s\n", time.Now().Format(time.RFC3339), term.Escape(line))
			}
			before = status
			return nil
		})
	}
}
