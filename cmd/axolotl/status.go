package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm/cluster"
)

func newStatus(a *app) *cobra.Command {
	format := term.FormatTable
	var watch bool
	cmd := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show the machines and nodes of a cluster",
		Long: `Show each machine as its driver sees it and its node as Kubernetes sees it: the
two can differ, which is often what you are looking for.

With --watch it is shown again after each change, until Ctrl-C or the end of the
cluster: on a terminal the table is redrawn, elsewhere each change is a line with its
time, and with -o each is a document. Changes come from events, not from polling.

Exit code 1 where anything is not as it should be; with --watch 0 when the cluster
is gone.`,
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch {
				return watchStatus(cmd.Context(), a, nameArgument(args), format)
			}
			status, err := a.clusters().Status(cmd.Context(), nameArgument(args), a.open)
			if err != nil {
				return err
			}
			err = format.Print(a.out, status, func() error { return printStatus(a.out, status) })
			if err == nil && !status.Healthy {
				err = fmt.Errorf("cluster %q is not healthy", status.Name)
			}
			return err
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show it again after each change")
	return cmd
}

func printStatus(out io.Writer, status *cluster.Status) error {
	fmt.Fprintf(out, "cluster %s (%s), driver %s, API server %s: %s\n", status.Name, status.Phase, status.Driver, status.Server, term.Escape(status.API))
	if status.Outside.Internet {
		fmt.Fprintf(out, "its machines reach %s\n", status.Outside)
	}
	fmt.Fprintln(out)
	return nodeTable(out, status.Nodes)
}

func nodeTable(out io.Writer, nodes []cluster.NodeStatus) error {
	head := []string{"NODE", "ROLE", "MACHINE", "READY", "ADDRESS", "NOTE"}
	spread := slices.ContainsFunc(nodes, func(n cluster.NodeStatus) bool { return n.Host != "" })
	if spread {
		head = slices.Insert(head, 2, "HOST")
	}
	var rows [][]string
	for _, n := range nodes {
		row := []string{n.Name, string(n.Role), string(n.Machine), n.Ready, n.Address, n.Note}
		if spread {
			row = slices.Insert(row, 2, n.Host)
		}
		rows = append(rows, row)
	}
	return term.Table(out, head, rows)
}
