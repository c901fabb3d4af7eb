package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/labs"
)

func newLab(a *app) *cobra.Command {
	cmd := family(&cobra.Command{
		Use:   "lab",
		Short: "Run exercises whose every step is proved on the cluster",
		Long: `A lab is a YAML file: steps that say something, do something, and end in checks
of what the cluster became. Labs that come with axolotl go by their name, others
by their file.`,
	})
	cmd.AddCommand(newLabList(a), newLabShow(a), newLabRun(a), newLabLint(a), newLabNew(a), newFormat(a, "a lab", labs.Format), newSchema(a, "a lab", labs.Schema))
	cmd.AddCommand(newLabGuide(a)...)
	return cmd
}

func newLabList(a *app) *cobra.Command {
	format, language := term.FormatTable, labs.EnvironmentLanguage()
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the labs that come with axolotl, in the order of the course",
		Args:    usageErrors(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			all, err := openLabs(labs.CatalogNames())
			if err != nil {
				return err
			}
			return format.Print(a.out, all, func() error {
				var rows [][]string
				for _, lab := range all {
					rows = append(rows, []string{
						lab.Name, string(lab.Level), fmt.Sprintf("%d min", lab.Minutes), lab.Needs.String(), lab.Title.In(language),
					})
				}
				return term.Table(a.out, []string{"NAME", "LEVEL", "TIME", "NEEDS", "TITLE"}, rows)
			})
		},
	}
	addLabFlags(cmd, &format, &language)
	return cmd
}

func newLabShow(a *app) *cobra.Command {
	format, language := term.FormatTable, labs.EnvironmentLanguage()
	cmd := &cobra.Command{
		Use:               "show NAME|FILE",
		Short:             "Print a lab's text: what each step says and what is checked",
		Args:              usageErrors(cobra.ExactArgs(1)),
		ValidArgsFunction: completeLabs,
		RunE: func(_ *cobra.Command, args []string) error {
			lab, err := labs.Open(args[0])
			if err != nil {
				return err
			}
			return format.Print(a.out, lab, func() error {
				return a.markdown(labText(lab, language))
			})
		},
	}
	addLabFlags(cmd, &format, &language)
	return cmd
}

// labText is a lab as Markdown.
func labText(lab *labs.Lab, language labs.Language) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", lab.Title.In(language), strings.TrimSpace(lab.Summary.In(language)))
	for i, step := range lab.Steps {
		fmt.Fprintf(&b, "\n## %d. %s\n\n%s\n\n", i+1, step.Name, strings.TrimSpace(lab.PreviewStep(&step, language)))
		for _, check := range step.Check {
			fmt.Fprintf(&b, "- [ ] %s\n", checkText(lab, check, language))
		}
	}
	return b.String()
}

// checkText is a check in its author's words, else as it is written.
func checkText(lab *labs.Lab, check labs.Check, language labs.Language) string {
	if check.That != nil {
		return lab.Preview(*check.That, language)
	}
	stays := ""
	if check.For > 0 {
		stays = " for " + check.For.String()
	}
	check.Within, check.For = 0, 0 // nanoseconds
	written, err := json.Marshal(check)
	if err != nil {
		return err.Error()
	}
	return "`" + lab.Preview(labs.Text{EN: string(written), ES: string(written)}, language) + "`" + stays
}

func newLabLint(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:   "lint NAME|FILE...",
		Short: "Find every error in lab files",
		Long: `Find every error in lab files: each with file, line and column. Nothing is run, so
one error is left to 'lab run': a check that holds before its step was done.

Exit code 1 where there is an error.`,
		Args:              usageErrors(cobra.MinimumNArgs(1)),
		ValidArgsFunction: completeLabs,
		RunE: func(_ *cobra.Command, args []string) error {
			return lint(a, format, args, func(nameOrFile string) error {
				_, err := labs.Open(nameOrFile)
				return err
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

// openLabs reads labs; the error has the faults of all of them.
func openLabs(names []string) ([]*labs.Lab, error) {
	var all []*labs.Lab
	var errs []error
	for _, name := range names {
		lab, err := labs.Open(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, lab)
	}
	return all, errors.Join(errs...)
}

func addLabFlags(cmd *cobra.Command, format *term.Format, language *labs.Language) {
	cmd.Flags().VarP(format, "output", "o", "output format")
	cmd.Flags().Var(language, "lang", "language of titles and texts")
}

// completeLabs completes the names of labs, and files.
func completeLabs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return labs.CatalogNames(), cobra.ShellCompDirectiveDefault
}
