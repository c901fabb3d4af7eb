package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
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
			handle, err := a.handle(nameArgument(args[:at]))
			if err != nil {
				return err
			}
			program, err := a.nodeBinary(cmd.Context())
			if err != nil {
				return err
			}
			kubectl := exec.CommandContext(cmd.Context(), program, append([]string{"kubectl"}, args[at:]...)...)
			kubectl.Env = append(os.Environ(), "KUBECONFIG="+handle.Cluster.Kubeconfig())
			kubectl.Stdin, kubectl.Stdout, kubectl.Stderr = a.in, a.out, a.err
			kubectl.Cancel = func() error { return kubectl.Process.Signal(syscall.SIGINT) }
			err = kubectl.Run()
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return codedError{errors.New(""), exit.ExitCode()} // kubectl has said what was wrong
			}
			return err
		},
	}
}

// nodeBinary returns the node binary, and shows progress only where it has to
// be built.
func (a *app) nodeBinary(ctx context.Context) (string, error) {
	path, err := image.Node.Path(a.home)
	if err != nil {
		return "", err
	}
	progress := a.progress
	if _, err := os.Stat(path); err == nil {
		progress = term.NewProgress(a.err, true)
	}
	err = progress.Do("Get kubectl", func(step *term.Step) error {
		path, err = image.Node.Ensure(ctx, a.home, step)
		return err
	})
	return path, err
}
