package main

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm/image"
)

func newKubectl(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl [NAME] -- ARGUMENTS",
		Short: "Run the built-in kubectl on a cluster",
		Example: `  axolotl kubectl -- get nodes
  axolotl kubectl small -- get pods -A`,
		RunE: func(cmd *cobra.Command, args []string) error {
			at := cmd.ArgsLenAtDash()
			if at < 0 || at > 1 {
				return codedError{errors.New("write: axolotl kubectl [NAME] -- ARGUMENTS"), exitUsage}
			}
			handle, err := a.handle(cmd.Context(), nameArgument(args[:at]))
			if err != nil {
				return err
			}
			program, err := a.nodeBinary(cmd.Context())
			if err != nil {
				return err
			}
			// This process becomes kubectl, so that signals, the terminal and
			// the exit code are kubectl's own, and nothing of it outlives us.
			// Set, not appended: of two variables of a name the first would count,
			// which is the user's and may lead to another cluster.
			if err := os.Setenv("KUBECONFIG", handle.Cluster.Kubeconfig()); err != nil {
				return err
			}
			return os.NewSyscallError("exec "+program, syscall.Exec(program, append([]string{program, "kubectl"}, args[at:]...), os.Environ()))
		},
	}
}

// nodeBinary returns the node binary, and shows progress where it has to be
// built.
func (a *app) nodeBinary(ctx context.Context) (string, error) {
	path, err := image.Node.Find(a.home)
	if err == nil {
		return path, nil
	}
	err = a.progress.Do("Get kubectl", func(step *term.Step) error {
		path, err = image.Node.Ensure(ctx, a.home, step)
		return err
	})
	return path, err
}
