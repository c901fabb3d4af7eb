package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
)

func newImageLoad(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "load NAME ARCHIVE...",
		Short: "Load container images into every machine of a cluster",
		Long: `Load container images into every machine of a cluster: no registry and no network
is needed. An archive is what 'docker save' or 'skopeo copy' makes: docker-archive
or OCI, plain or compressed by gzip. It is looked at first; then it is attached to
the machines as a disk, imported, and detached.

Snapshots hold the images. Machines that are added or recreated afterwards do not
have them: load them again. Pods take them where their imagePullPolicy is not
Always.`,
		Example: `  docker save myapp:1 -o myapp.tar
  axolotl image load demo myapp.tar
  kubectl run myapp --image=myapp:1 --image-pull-policy=Never`,
		Args: usageErrors(cobra.MinimumNArgs(2)),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return []string{"tar", "tgz", "gz"}, cobra.ShellCompDirectiveFilterFileExt
			}
			return a.completeClusters(cmd, args, word)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			start := time.Now()
			refs, err := a.clusters().LoadImages(cmd.Context(), args[0], args[1:], a.open, a.progress)
			if err != nil {
				return err
			}
			a.progress.Line("cluster %s has %s, in %s", args[0], strings.Join(refs, " and "), term.Seconds(time.Since(start)))
			return nil
		},
	}
}
