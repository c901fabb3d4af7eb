package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
)

func newNode(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "node",
		Short: "List, add, remove, switch and enter the nodes of a cluster",
		Example: `  axolotl node list demo
  axolotl node add demo --count 2
  axolotl node exec demo worker-1 -- uptime`,
	}
	cmd.AddCommand(newNodeList(a), newNodeAdd(a), newNodeRemove(a), newNodeStart(a), newNodeStop(a),
		newNodeExec(a), newNodeLogs(a), newNodeConsole(a))
	return family(cmd)
}

func newNodeList(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:               "list [NAME]",
		Aliases:           []string{"ls"},
		Short:             "List the nodes of a cluster",
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			status, err := a.clusters().Status(cmd.Context(), nameArgument(args), a.open)
			if err != nil {
				return err
			}
			return format.Print(a.out, status.Nodes, func() error { return nodeTable(a.out, status.Nodes) })
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

func newNodeAdd(a *app) *cobra.Command {
	var count int
	var group string
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add workers to a cluster that runs",
		Long: `Add workers to a cluster that runs, and wait until they are Ready. They boot: a
minute or more where machines are emulated. What is interrupted is completed by
'axolotl up NAME'.`,
		Args:              usageErrors(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			if count < 1 || count > 100 {
				return codedError{fmt.Errorf("--count %d: use 1 to 100", count), exitUsage}
			}
			start := time.Now()
			added, err := a.clusters().AddWorkers(cmd.Context(), args[0], group, count, a.open, a.progress)
			if err != nil {
				return err
			}
			a.progress.Line("cluster %s has %s more, in %s", args[0], strings.Join(added, " and "), term.Seconds(time.Since(start)))
			return nil
		},
	}
	cmd.Flags().IntVar(&count, "count", 1, "how many")
	cmd.Flags().StringVar(&group, "group", "", "group of the cluster's file that they are of (default the first one of workers)")
	return cmd
}

func newNodeRemove(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "remove NAME NODE...",
		Aliases: []string{"rm", "delete"},
		Short:   "Drain workers and remove them with their machines",
		Long: `Drain workers, take them out of Kubernetes and remove their machines and disks.
Pods that a disruption budget holds keep a node for two minutes; then it stays,
or, with --force, goes with them.`,
		Args:              usageErrors(cobra.MinimumNArgs(2)),
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.clusters().RemoveWorkers(cmd.Context(), args[0], unique(args[1:]), force, a.open, a.progress); err != nil {
				return err
			}
			a.progress.Line("cluster %s is without %s", args[0], strings.Join(unique(args[1:]), " and "))
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also where it cannot be drained")
	return cmd
}

func unique(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// completeNodes completes a cluster's name, then names of its nodes.
func (a *app) completeNodes(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.completeClusters(cmd, args, word)
	}
	c, err := completionStore().Load(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, m := range c.Machines {
		if !slices.Contains(args[1:], m.Name) {
			names = append(names, m.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
