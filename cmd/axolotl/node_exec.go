package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm"
)

func newNodeExec(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "exec NAME NODE -- COMMAND [ARGUMENT...]",
		Short: "Run a command as root in a machine, through its guest agent",
		Long: `Run a command as root in a machine, through its guest agent: no network, no
Kubernetes and no key is needed. Its standard output is printed when it has
ended; it has no standard input. For a shell see 'axolotl node console'.`,
		Example: `  axolotl node exec demo cp-1 -- systemctl status kubelet
  axolotl node exec demo cp-1 -- sh -c 'df -h / | tail -1'`,
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 2 || len(args) < 3 {
				return codedError{errors.New("write: axolotl node exec NAME NODE -- COMMAND [ARGUMENT...]"), exitUsage}
			}
			h, inside, err := a.inside(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			argv := args[2:]
			if !path.IsAbs(argv[0]) { // the agent has no PATH to speak of
				argv = append([]string{"/usr/bin/env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, argv...)
			}
			out, err := inside.Exec(cmd.Context(), h.Cluster, args[1], argv...)
			fmt.Fprint(a.out, out)
			var exit *vm.ExitError
			if errors.As(err, &exit) {
				exit.Argv = args[2:] // as a person wrote it
			}
			return err
		},
	}
}

// inside opens a cluster in whose machines commands can be run.
func (a *app) inside(ctx context.Context, name string) (*vm.Handle, vm.Executor, error) {
	h, err := a.handle(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	inside, ok := h.Driver.(vm.Executor)
	if !ok {
		return nil, nil, fmt.Errorf("driver %s has no machines that a command could be run in", h.Driver.Name())
	}
	return h, inside, nil
}

func newNodeLogs(a *app) *cobra.Command {
	var unit string
	var lines int
	var console bool
	cmd := &cobra.Command{
		Use:   "logs NAME NODE",
		Short: "Print a machine's journal, or what its console has shown",
		Long: `Print the end of a machine's journal. A machine that does not answer has its
console still: what the kernel and the first steps of the boot printed is kept
on the host (--console).`,
		Example: `  axolotl node logs demo worker-1 --unit kubelet
  axolotl node logs demo cp-1 --console`,
		Args:              usageErrors(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if console {
				return a.printConsole(args[0], args[1])
			}
			h, inside, err := a.inside(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			argv := []string{"/usr/bin/journalctl", "--no-pager", "--quiet", "--lines=" + strconv.Itoa(lines)}
			if unit != "" {
				argv = append(argv, "--unit="+unit)
			}
			out, err := inside.Exec(cmd.Context(), h.Cluster, args[1], argv...)
			fmt.Fprint(a.out, out)
			return err
		},
	}
	cmd.Flags().StringVarP(&unit, "unit", "u", "", "only of this systemd unit: kubelet, containerd, etcd, kube-apiserver, …")
	cmd.Flags().IntVarP(&lines, "lines", "n", 200, "how many lines, from the end")
	cmd.Flags().BoolVar(&console, "console", false, "what its serial console has shown, also of a machine that is off")
	return cmd
}

// printConsole prints the log of a machine's serial console.
func (a *app) printConsole(name, node string) error {
	c, err := a.clusters().Load(name)
	if err != nil {
		return err
	}
	if c.Machine(node) == nil {
		return fmt.Errorf("cluster %q has no node %q ('axolotl node list %s' shows them)", name, node, name)
	}
	file, err := os.Open(c.Path("machines", node, "console.log"))
	if err != nil {
		return fmt.Errorf("the console of %s was not kept: %w", node, err)
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadString('\n')
		fmt.Fprint(a.out, term.Escape(strings.ReplaceAll(line, "\r", "")))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
