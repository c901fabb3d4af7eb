package kubeadm

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// command runs kubeadm out of the node binary.
type command struct{ program string }

// run runs kubeadm with a configuration and returns its standard output. What
// kubeadm says went wrong is in the error.
func (c command) run(ctx context.Context, config []byte, args ...string) ([]byte, error) {
	args = append(append([]string{"kubeadm"}, args...), "--config", "/dev/stdin")
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Stdin = bytes.NewReader(config)
	// When we are killed it must not go on writing where the next run begins.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(args[:len(args)-2], " "), err, strings.TrimSpace(errs.String()))
	}
	return out.Bytes(), nil
}
