package kubeadm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// command runs kubeadm out of the node binary.
type command struct{ program string }

// run runs kubeadm with a configuration and returns its standard output. What
// kubeadm says went wrong is in the error.
func (c command) run(ctx context.Context, config []byte, args ...string) ([]byte, error) {
	file, err := os.CreateTemp("", "axolotl-kubeadm-*.yaml")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if _, err := file.Write(config); err != nil {
		return nil, err
	}
	args = append(append([]string{"kubeadm"}, args...), "--config", file.Name())
	cmd := exec.CommandContext(ctx, c.program, args...)
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
