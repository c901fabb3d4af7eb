package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	xterm "golang.org/x/term"

	"axolotl/internal/term"
	"axolotl/labs"
)

// newLabSay reads, and so does not wait for what another window does.
func newLabSay(a *app) *cobra.Command {
	var flags guideFlags
	cmd := &cobra.Command{
		Use: "say", Short: "Say again what this step is about", Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.seen(cmd.Context(), flags, func(g *labs.Guide) error {
				return errors.Join(a.say(g), a.nextLab(cmd.Context(), g))
			})
		},
	}
	flags.add(a, cmd)
	return cmd
}

// say prints what the step under way says.
func (a *app) say(g *labs.Guide) error {
	text, err := g.Say()
	if err != nil {
		return err
	}
	if err := a.markdown(text); err != nil || g.Step() == nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, g.Words("\nThen: axolotl lab check", "\nDespués: axolotl lab check"))
	return err
}

// nextLab names the lab that follows one whose steps are done.
func (a *app) nextLab(ctx context.Context, g *labs.Guide) error {
	if g.Step() != nil {
		return nil
	}
	name := g.NextLab(ctx)
	if name == "" {
		return nil
	}
	_, err := fmt.Fprintln(a.out, g.Words("\nNext: axolotl lab start "+name, "\nSigue: axolotl lab start "+name))
	return err
}

// markdown prints Markdown, in colour on a terminal.
func (a *app) markdown(text string) error {
	_, err := fmt.Fprint(a.out, term.Markdown(text, a.colored()))
	return err
}

// colored tells whether what is printed is for a terminal that shows colours.
func (a *app) colored() bool {
	file, ok := a.out.(*os.File)
	_, noColor := os.LookupEnv("NO_COLOR")
	return ok && xterm.IsTerminal(int(file.Fd())) && !noColor
}
