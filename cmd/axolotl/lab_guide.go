package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos"
	"axolotl/labs"
)

// guideFlags are those of every command of a guided lab.
type guideFlags struct {
	cluster  string
	language labs.Language
}

// newLabGuide returns the commands by which a learner goes through a lab.
func newLabGuide(a *app) []*cobra.Command {
	return []*cobra.Command{
		newLabStart(a), newLabCheck(a), newLabStatus(a),
		guideCommand(a, "hint", "Help with this step, a little more each time", func(ctx context.Context, g *labs.Guide) error {
			hint, err := g.Hint(ctx)
			if err == nil && hint == "" {
				hint = g.Words("There is no hint for this step; `axolotl lab solve` does it.", "No hay pistas para este paso; `axolotl lab solve` lo hace.")
			}
			return errors.Join(err, a.markdown(hint))
		}),
		guideCommand(a, "solve", "Do this step for me, and prove it", func(ctx context.Context, g *labs.Guide) error {
			failure, err := g.Solve(ctx)
			if failure != nil {
				explainProblem(a.progress, failure.Problem, failure.Evidence)
				err = errors.Join(err, codedError{errors.New(g.Words("the step could not be done; 'axolotl lab reset' begins the lab anew",
					"no se pudo hacer el paso; 'axolotl lab reset' empieza el lab de nuevo")), exitFailed})
			}
			return err
		}),
		guideCommand(a, "next", "Go on to the next step, when this one is done", func(ctx context.Context, g *labs.Guide) error {
			if err := g.Next(ctx); err != nil {
				return err
			}
			return errors.Join(a.say(g), a.nextLab(ctx, g))
		}),
		newLabSay(a),
		newLabReset(a),
		guideCommand(a, "quit", "End the lab and remove all that it made", func(ctx context.Context, g *labs.Guide) error {
			if err := g.Quit(ctx); err != nil {
				return err
			}
			return a.leaveNamespace(g, g.Namespace(), metav1.NamespaceDefault)
		}),
	}
}

// guideCommand is a command on the lab under way.
func guideCommand(a *app, use, short string, run func(context.Context, *labs.Guide) error) *cobra.Command {
	var flags guideFlags
	cmd := &cobra.Command{
		Use: use, Short: short, Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.guided(cmd.Context(), flags, run) },
	}
	flags.add(a, cmd)
	return cmd
}

func (f *guideFlags) add(a *app, cmd *cobra.Command) {
	f.cluster = defaultCluster()
	addClusterFlag(a, cmd, &f.cluster)
	cmd.Flags().Var(&f.language, "lang", "language of titles and texts (default: the lab's, as it was started)")
}

func (a *app) guideOptions(f guideFlags) labs.Options {
	return labs.Options{
		Language: f.language, Progress: a.progress, Now: time.Now, Snapshots: a.clusters().Kept(f.cluster, "lab", a.open, a.progress),
	}
}

// guided opens the lab under way, runs, and lets go of it.
func (a *app) guided(ctx context.Context, flags guideFlags, run func(context.Context, *labs.Guide) error) error {
	handle, err := a.handle(ctx, flags.cluster)
	if err != nil {
		return err
	}
	guide, err := labs.ResumeGuide(handle, a.guideOptions(flags))
	if err != nil {
		return err
	}
	ctx, stop := chaos.WhileThere(ctx, handle)
	defer stop()
	err = errors.Join(run(ctx, guide), guide.Close())
	return cmp.Or(chaos.GoneFrom(ctx), err)
}

// seen opens the lab under way to look at it, whoever is at it meanwhile.
func (a *app) seen(ctx context.Context, flags guideFlags, look func(*labs.Guide) error) error {
	handle, err := a.handle(ctx, flags.cluster)
	if err != nil {
		return err
	}
	guide, err := labs.SeeGuide(handle, a.guideOptions(flags))
	if err != nil {
		return err
	}
	return look(guide)
}
