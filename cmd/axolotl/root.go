package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const rootLong = `axolotl makes disposable Kubernetes clusters of real VMs, runs labs on them,
breaks them on purpose, and proves that they healed.

  axolotl up                       make a cluster and wait until it is healthy
  axolotl lab run first-steps      deploy an app on it, step by step, each proved
  axolotl chaos run pod-deletion   break it, and see on one clock how it heals
  axolotl down                     remove every trace

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 skipped (the cluster cannot
give what was needed), 130 interrupted; verdicts: see 'axolotl chaos run --help'.

Everything is kept under the XDG directories (as root /var/lib/axolotl and
/var/cache/axolotl, where others read node images and programs); AXOLOTL_HOME
puts it all under one directory. AXOLOTL_CLUSTER is the cluster that is meant where
none is named (else axolotl). AXOLOTL_RESTORE=mapped or =save overrules how
machines of libvirt are kept and restored, which 'axolotl doctor --prove' finds out.`

func newRoot(a *app) *cobra.Command {
	root := family(&cobra.Command{
		Use:           "axolotl",
		Short:         "Disposable VM clusters that are broken on purpose and proved to heal",
		Long:          rootLong,
		SilenceErrors: true, // main prints them, once
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.start(); err != nil {
				return err
			}
			tellInterrupted(cmd, a.progress)
			return nil
		},
	})
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return codedError{fmt.Errorf("%w; see '%s --help'", err, cmd.CommandPath()), exitUsage}
	})
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "print no progress")
	root.PersistentFlags().CountVarP(&a.verbosity, "verbose", "v", "log what is done (-vv: and how)")
	root.AddGroup(
		&cobra.Group{ID: "cluster", Title: "Clusters:"},
		&cobra.Group{ID: "work", Title: "Labs and chaos:"},
		&cobra.Group{ID: "host", Title: "This host:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	add("cluster", newUp(a), newDown(a), newRecreate(a), newSnapshot(a), newNode(a), newKeep(a), newAddon(a), newList(a), newStatus(a), newKubeconfig(a), newKubectl(a))
	add("work", newLab(a), newChaos(a), newSchedule(a), newServe(a), newTop(a))
	add("host", newDoctor(a), newImage(a), newGolden(a), newVersion(a))
	root.AddCommand(newSupervise(), newBalance(), newTunnel())
	root.SetHelpCommandGroupID("host")
	root.SetCompletionCommandGroupID("host")
	strictHelp(root)
	return root
}
