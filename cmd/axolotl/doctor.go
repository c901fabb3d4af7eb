package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

// finding is what doctor prints of one check.
type finding struct {
	Driver string `json:"driver"`
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Found  string `json:"found"` // what is there, or what is wrong and what to do
}

func newDoctor(a *app) *cobra.Command {
	format := term.FormatTable
	var connect string
	var prove bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what this host can do, and say what to do where it cannot",
		Long: `Run every check of every driver and print each with what was found, or with its
remedy. With --prove a small guest is booted under each acceleration as well,
which needs the node image and builds it where there is none, and one is frozen
and restored, which shows how golden snapshots are kept here.

Exit code 1 where no driver would work.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings, usable := a.examine(cmd.Context(), connect, prove)
			err := format.Print(a.out, findings, func() error {
				var rows [][]string
				for _, f := range findings {
					mark := "ok"
					if !f.OK {
						mark = "NO"
					}
					rows = append(rows, []string{mark, f.Driver, f.Check, f.Found})
				}
				return term.Table(a.out, []string{"", "DRIVER", "CHECK", "FOUND"}, rows)
			})
			if err == nil && usable == "" {
				return errors.New("no driver works here: mend one of the lines above that say NO")
			}
			if err == nil {
				a.progress.Line("'axolotl up' would use driver %s", usable)
			}
			return err
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().StringVar(&connect, "connect", "", "libvirt to check, as with 'axolotl up'")
	cmd.Flags().BoolVar(&prove, "prove", false, "boot a small guest as well")
	return cmd
}

// examine runs all checks and returns the first driver that passed its own.
func (a *app) examine(ctx context.Context, uri string, prove bool) (findings []finding, usable string) {
	for _, driver := range a.drivers(uri) {
		works := true
		note := func(check, found string, err error) {
			if err != nil {
				works, found = false, err.Error()
			}
			findings = append(findings, finding{driver.Name(), check, err == nil, found})
		}
		for _, check := range driver.Checks() {
			found, err := check.Run(ctx)
			note(check.Name, found, err)
		}
		if prover, ok := driver.(cluster.Prover); ok && prove && works {
			note(a.prove(ctx, driver, prover))
		}
		if freezer, err := vm.FreezerOf(driver); err == nil && prove && works {
			note(a.proveForm(ctx, freezer))
		}
		if works && usable == "" {
			usable = driver.Name()
		}
	}
	return findings, usable
}

// proveForm shows how golden snapshots are kept. None is no fault: the other
// form serves, more slowly.
func (a *app) proveForm(ctx context.Context, freezer vm.Freezer) (check, found string, err error) {
	err = a.progress.Do("See how machines are restored here", func(step *term.Step) error {
		form, why, err := freezer.Form(ctx, &vm.Spec{}, step)
		found = fmt.Sprintf("%s: %s", form, why)
		if form == vm.Saved {
			found = fmt.Sprintf("%s, which is slower than mapping memory: %s", form, why)
		}
		return err
	})
	return "a guest is restored", found, err
}

func (a *app) prove(ctx context.Context, driver vm.Driver, prover cluster.Prover) (check, found string, err error) {
	check = "a guest boots"
	err = a.progress.Do(fmt.Sprintf("See whether %s machines boot here", driver.Name()), func(step *term.Step) error {
		found, err = prover.Prove(ctx, true, step)
		return err
	})
	return check, found, err
}
