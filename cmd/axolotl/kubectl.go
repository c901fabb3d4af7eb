package main

import (
	"errors"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"axolotl/vm/cluster"
	"axolotl/vm/image"
)

func newKubectl(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kubectl [NAME] [--] ARGUMENTS",
		Short: "Run the built-in kubectl on a cluster",
		Long: `Run the built-in kubectl on a cluster: on the one that the first argument names,
where there is one of that name, else on "axolotl". Behind -- all is kubectl's.`,
		Example: `  axolotl kubectl get nodes
  axolotl kubectl small get pods -A
  axolotl kubectl -- -n kube-system get pods`,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, args, err := a.kubectlArguments(args, cmd.ArgsLenAtDash() == 0)
			if err != nil {
				return err
			}
			handle, err := a.handle(cmd.Context(), name)
			if err != nil {
				return err
			}
			program, err := image.Kubectl(cmd.Context(), a.home, a.progress)
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
			return os.NewSyscallError("exec "+program, syscall.Exec(program, append([]string{program, "kubectl"}, args...), os.Environ()))
		},
	}
	cmd.Flags().SetInterspersed(false) // flags behind the first word are kubectl's
	return cmd
}

// kubectlArguments tells a cluster's name from what is kubectl's. dashed tells that
// the arguments stood behind "--".
func (a *app) kubectlArguments(args []string, dashed bool) (name string, rest []string, err error) {
	switch {
	case dashed:
		return defaultCluster(), args, nil
	case len(args) == 0:
		return "", nil, codedError{errors.New("what is kubectl to do? usage: axolotl kubectl [NAME] [--] ARGUMENTS"), exitUsage}
	case len(args) > 1 && args[1] == "--":
		return args[0], args[2:], nil
	}
	var missing *cluster.NotFoundError
	var noName *cluster.NameError
	if _, err := a.clusters().Load(args[0]); errors.As(err, &missing) || errors.As(err, &noName) {
		return defaultCluster(), args, nil
	}
	return args[0], args[1:], nil // also where its record is damaged, which is told
}
