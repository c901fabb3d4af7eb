package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
)

func newList(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the clusters on this host",
		Args:    usageErrors(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			all, err := a.clusters().List()
			if err != nil {
				return err
			}
			return format.Print(a.out, all, func() error {
				var rows [][]string
				for _, c := range all {
					age := ""
					if !c.Created.IsZero() {
						age = time.Since(c.Created).Round(time.Second).String()
					}
					nodes := fmt.Sprint(len(c.Machines))
					if c.Source != nil {
						nodes = "-" // who made it may add some any time; status asks
					}
					rows = append(rows, []string{c.Name, string(c.Phase), c.Driver, nodes, age})
				}
				return term.Table(a.out, []string{"NAME", "PHASE", "DRIVER", "NODES", "AGE"}, rows)
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}
