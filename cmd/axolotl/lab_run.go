package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/labs"
	"axolotl/vm"
)

type labRunFlags struct {
	cluster  string
	up       upFlags // where there is no such cluster
	all      bool
	jobs     int
	seed     int
	keep     bool
	junit    fileFlag
	format   term.Format
	language labs.Language
}

func newLabRun(a *app) *cobra.Command {
	flags := labRunFlags{format: term.FormatTable, language: labs.EnvironmentLanguage()}
	cmd := &cobra.Command{
		Use:   "run NAME|FILE... | --all",
		Short: "Do every step of labs and prove each",
		Long: `Do every step of the labs, several labs at a time, and wait until the checks of
each step hold. A lab works in namespaces of its own, which are removed at the
end, also when it fails or is interrupted. A lab that breaks nodes runs alone.
One that needs what the cluster cannot give is skipped, with the reason.

Where there is no cluster of that name it is made, as by 'axolotl up', and removed
at the end. One that is there is not changed, and refused where it is another than
the flags ask for.

Exit codes: 0 all that ran passed, 1 one did not, 3 all were skipped,
130 interrupted.`,
		Example: `  axolotl lab run first-steps
  axolotl lab run replicasets ./my-lab.yaml --keep --junit labs.xml
  axolotl lab run --all --jobs 4
  axolotl lab run drain --cluster trial --driver local`,
		ValidArgsFunction: completeLabs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := namedOrAll(args, flags.all, "labs"); err != nil {
				return err
			}
			if flags.jobs < 1 {
				return codedError{fmt.Errorf("--jobs %d: use 1 or more", flags.jobs), exitUsage}
			}
			if flags.all {
				args = labs.CatalogNames()
			}
			all, err := openLabs(args)
			if err != nil {
				return err
			}
			flags.up.asIs = shapeless(cmd)
			handle, end, err := a.labCluster(cmd.Context(), flags.cluster, flags.up, cmd.Flags().Changed("workers"), all)
			if err != nil {
				return err
			}
			err = runLabs(cmd.Context(), a, handle, all, flags)
			if flags.keep {
				return err
			}
			return errors.Join(err, end())
		},
	}
	flags.up.add(cmd)
	cmd.Flags().StringVar(&flags.cluster, "cluster", defaultCluster(), "cluster to run on")
	cmd.Flags().BoolVar(&flags.all, "all", false, "run every lab that comes with axolotl")
	cmd.Flags().IntVarP(&flags.jobs, "jobs", "j", 1, "labs at a time")
	cmd.Flags().IntVar(&flags.seed, "seed", 0, "by which a lab that draws its steps (game-day) draws them (default: any)")
	cmd.Flags().BoolVar(&flags.keep, "keep", false, "leave the labs' namespaces, and a cluster that was made for them, to look around")
	cmd.Flags().Var(&flags.junit, "junit", "write the results to this file, as JUnit XML")
	addLabFlags(cmd, &flags.format, &flags.language)
	_ = cmd.RegisterFlagCompletionFunc("cluster", a.completeClusters)
	return cmd
}

// runLabs runs labs until they are done or ctx ends, then prints what became of
// each.
func runLabs(ctx context.Context, a *app, handle *vm.Handle, all []*labs.Lab, flags labRunFlags) error {
	results, err := labs.RunAll(ctx, handle, all, flags.jobs, labs.Options{
		Keep: flags.keep, Language: flags.language, Progress: a.progress, Now: time.Now, Seed: flags.seed,
	}, func(result labs.Result) { explainLab(a.progress, result) })
	errs := []error{err}
	if flags.junit != "" {
		errs = append(errs, writeJUnit(string(flags.junit), results))
	}
	errs = append(errs, flags.format.Print(a.out, results, func() error { return printLabResults(a.out, results) }))
	var gone *vm.GoneError
	if errors.As(err, &gone) {
		return errors.Join(errs...) // the verdict advises to look around in it
	}
	return errors.Join(append(errs, labsVerdict(results))...)
}

// explainLab says why a lab did not pass, with all that was collected.
func explainLab(p *term.Progress, result labs.Result) {
	if result.Outcome == labs.Skipped {
		p.Line("lab %s is skipped: %s", result.Lab, result.Reason)
	}
	for _, step := range result.Steps {
		if step.Problem == nil {
			continue
		}
		p.Line("lab %s, step %s:", result.Lab, step.Name)
		explainProblem(p, step.Problem, step.Evidence)
	}
}

// explainProblem says what was expected and what was there, with what was collected.
func explainProblem(p *term.Progress, problem *labs.Problem, collected []labs.Collected) {
	p.Line("%s", problem.Message)
	if problem.Expected != "" {
		p.Line("  expected: %s", problem.Expected)
	}
	explainList(p, "seen", problem.Seen)
	if !slices.ContainsFunc(collected, func(c labs.Collected) bool { return c.Kind == labs.Events }) {
		explainList(p, "last events", problem.Events) // else they are among what was collected
	}
	for _, evidence := range collected {
		if evidence.Text != "" {
			explainList(p, string(evidence.Kind), strings.Split(evidence.Text, "\n"))
		}
	}
}

func explainList(p *term.Progress, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.Line("  %s:", title)
	for _, line := range lines {
		p.Line("    %s", line)
	}
}

func printLabResults(w io.Writer, results []labs.Result) error {
	var rows [][]string
	for _, result := range results {
		passed := 0
		for _, step := range result.Steps {
			if step.Outcome == labs.Passed {
				passed++
			}
		}
		steps := ""
		if len(result.Steps) > 0 {
			steps = fmt.Sprintf("%d/%d", passed, len(result.Steps))
		}
		took := term.Seconds(time.Duration(result.Seconds * float64(time.Second)))
		rows = append(rows, []string{result.Lab, string(result.Outcome), steps, took, result.Reason})
	}
	return term.Table(w, []string{"LAB", "OUTCOME", "STEPS", "TIME", "REASON"}, rows)
}

// labsVerdict is the error, with its exit code, of labs of which one did not
// pass, or none ran.
func labsVerdict(results []labs.Result) error {
	var failed []string
	skipped := 0
	for _, result := range results {
		switch result.Outcome {
		case labs.Skipped:
			skipped++
		case labs.Failed:
			failed = append(failed, result.Lab)
		}
	}
	switch {
	case len(failed) > 0:
		return codedError{fmt.Errorf("failed: %s; run again with --keep to look around", strings.Join(failed, ", ")), exitFailed}
	case skipped > 0 && skipped == len(results):
		return codedError{errors.New("skipped: nothing was run"), exitSkipped}
	}
	return nil
}

func writeJUnit(path string, results []labs.Result) error {
	var data bytes.Buffer
	if err := labs.WriteJUnit(&data, results); err != nil {
		return err
	}
	return store.WriteFile(path, data.Bytes(), 0o644)
}
