package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	xterm "golang.org/x/term"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/labs"
	"axolotl/vm/cluster"
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

func newLabReset(a *app) *cobra.Command {
	var flags guideFlags
	step := false
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Go back to before the lab, or to before this step, and begin anew",
		Long: `Throw away what the lab made and begin it anew at its first step.

With --step only the step under way is begun anew: what was broken in it is mended, by
the lab or by you, and what it compares with is noted as it is now. That is the way out
where a wrong move has made the step impossible, such as a pod deleted too early.
'axolotl lab solve' does so by itself before it gives up.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.guided(cmd.Context(), flags, func(ctx context.Context, g *labs.Guide) error {
				if step {
					if err := a.progress.Do("Begin the step anew", func(*term.Step) error { return g.ResetStep(ctx) }); err != nil {
						return err
					}
					return a.say(g)
				}
				before := g.Namespace()
				if err := a.progress.Do("Begin anew", func(*term.Step) error { return g.Reset(ctx) }); err != nil {
					return err
				}
				return errors.Join(a.say(g), a.leaveNamespace(g, before, g.Namespace()))
			})
		},
	}
	flags.add(a, cmd)
	cmd.Flags().BoolVar(&step, "step", false, "only the step under way")
	return cmd
}

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
	f.cluster = cluster.DefaultName
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

func newLabStart(a *app) *cobra.Command {
	var flags guideFlags
	seed := 0
	cmd := &cobra.Command{
		Use:   "start NAME|FILE",
		Short: "Begin a lab to be done by hand, step by step",
		Long: `Begin a lab and print its first step. Do it in another window, with kubectl or
k9s or however you like: what counts is what the cluster becomes. Then:

  axolotl lab check --watch   see what is done, and tick it off as it comes true
  axolotl lab hint            a little help
  axolotl lab solve           have the step done
  axolotl lab next            go on
  axolotl lab status          where am I
  axolotl lab reset           begin anew; a lab that breaks nodes or has add-ons saved
                              the whole cluster before it did, and goes back to that
  axolotl lab reset --step    begin only this step anew, where a wrong move has made it
                              impossible
  axolotl lab quit            remove all that the lab made; nodes that you switched off or
                              cordoned for it are as they were before

Progress is kept with the cluster: it outlives this terminal.`,
		Args:              usageErrors(cobra.ExactArgs(1)),
		ValidArgsFunction: completeLabs,
		RunE: func(cmd *cobra.Command, args []string) error {
			lab, err := labs.Open(args[0])
			if err != nil {
				return err
			}
			handle, err := a.handleToRun(cmd.Context(), flags.cluster)
			if err != nil {
				return err
			}
			if flags.language == "" {
				flags.language = labs.EnvironmentLanguage()
			}
			options := a.guideOptions(flags)
			options.Seed = seed
			ctx, stop := chaos.WhileThere(cmd.Context(), handle)
			defer stop()
			guide, err := labs.StartGuide(ctx, handle, lab, options)
			if err != nil {
				return cmp.Or(chaos.GoneFrom(ctx), err)
			}
			return errors.Join(a.pointKubectl(guide, handle), a.say(guide), guide.Close())
		},
	}
	flags.add(a, cmd)
	cmd.Flags().Lookup("lang").Usage = "language of titles and texts (default: your locale's)"
	cmd.Flags().IntVar(&seed, "seed", 0, "by which a lab that draws its steps (game-day) draws them (default: any)")
	return cmd
}

func newLabCheck(a *app) *cobra.Command {
	var flags guideFlags
	watch := false
	cmd := &cobra.Command{
		Use:   "check",
		Short: "See whether this step is done",
		Long: `Look at each check of the step under way. Exit code 1 where one does not hold.
With --watch it looks until all hold, and ticks each off as it comes true. The other
commands can be typed in another window meanwhile: it follows to the next step, and ends
with the lab.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if watch {
				return a.watchChecks(cmd.Context(), flags)
			}
			return a.guided(cmd.Context(), flags, func(ctx context.Context, g *labs.Guide) error {
				if g.Step() == nil {
					return a.say(g)
				}
				results, seen, err := g.Check(ctx)
				if err != nil {
					return err
				}
				for _, result := range results {
					fmt.Fprintln(a.out, tick(result.Outcome == labs.Passed), result.That)
				}
				for _, problem := range seen {
					explainProblem(a.progress, problem, nil)
				}
				if len(seen) > 0 {
					return codedError{errors.New(g.Words("not yet; 'axolotl lab hint' helps", "todavía no; 'axolotl lab hint' ayuda")), exitFailed}
				}
				return a.stepDone(g)
			})
		},
	}
	flags.add(a, cmd)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "look until all is done")
	return cmd
}

func (a *app) stepDone(g *labs.Guide) error {
	_, err := fmt.Fprintln(a.out, g.Words("This step is done: axolotl lab next", "Este paso está hecho: axolotl lab next"))
	return err
}

func tick(passed bool) string {
	if passed {
		return "[x]"
	}
	return "[ ]"
}

func newLabStatus(a *app) *cobra.Command {
	var flags guideFlags
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how far the lab under way has come",
		Args:  usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.seen(cmd.Context(), flags, func(g *labs.Guide) error {
				status := g.Status()
				return format.Print(a.out, status, func() error {
					fmt.Fprintf(a.out, "%s (%s) in namespace %s\n", term.Escape(status.Title), status.Lab, status.Namespace)
					var rows [][]string
					for i, name := range status.Steps {
						how := ""
						switch {
						case i+1 == status.Step && !status.Passed:
							how = "under way"
						case i < len(status.Done):
							mark := status.Done[i]
							how = "done, " + counted(mark.Hints, "hint")
							if mark.Solved {
								how = "solved by axolotl"
							}
							if mark.Skipped != "" {
								how = "skipped: " + mark.Skipped
							}
						}
						rows = append(rows, []string{fmt.Sprint(i + 1), name, how})
					}
					if status.ScoreOf > 0 {
						fmt.Fprintf(a.out, "score %d of %d, seed %d\n", status.Score, status.ScoreOf, status.Seed)
					}
					return term.Table(a.out, []string{"#", "STEP", "STATE"}, rows)
				})
			})
		},
	}
	flags.add(a, cmd)
	cmd.Flags().VarP(&format, "output", "o", "output format")
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

func newLabNew(a *app) *cobra.Command {
	var named fileFlag
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a lab to begin with, commented, that runs as it is",
		Args:  usageErrors(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := labs.NewFile(args[0])
			if err != nil {
				return codedError{err, exitUsage}
			}
			file := cmp.Or(string(named), args[0]+".yaml")
			if _, err := os.Stat(file); err == nil {
				return fmt.Errorf("%s exists; choose another name or --file", file)
			}
			if err := store.WriteFile(file, text, 0o644); err != nil {
				return err
			}
			path := file
			if !strings.ContainsRune(file, filepath.Separator) {
				path = "./" + file // else it might be taken for a lab's name
			}
			a.progress.Line("wrote %s; next: axolotl lab lint %[2]s, axolotl lab run %[2]s", file, path)
			return nil
		},
	}
	cmd.Flags().VarP(&named, "file", "f", "file to write (default NAME.yaml)")
	return cmd
}
