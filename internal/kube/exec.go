package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"
)

// Output is what a command in a container put out: the first 64 KiB of each.
type Output struct {
	Stdout, Stderr string
	ExitCode       int
}

// Exec runs a command in a container of a pod, as "kubectl exec" does.
// container may be empty where the pod has one. A command that exits non-zero
// is an Output, not an error.
func (c *Client) Exec(ctx context.Context, namespace, pod, container string, command []string) (*Output, error) {
	request := c.Typed.CoreV1().RESTClient().Post().
		Resource("pods").Namespace(namespace).Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: container, Command: command, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(c.Config, "GET", request.URL().String())
	if err != nil {
		return nil, err
	}
	stdout, stderr := &headBuffer{}, &headBuffer{}
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: stdout, Stderr: stderr})
	output := &Output{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		output.ExitCode = exit.ExitStatus()
		return output, nil
	}
	if err != nil {
		return nil, fmt.Errorf("exec %q in pod %q: %w", command, pod, err)
	}
	return output, nil
}

// headBuffer keeps the first 64 KiB and swallows the rest.
type headBuffer struct{ bytes.Buffer }

func (b *headBuffer) Write(p []byte) (int, error) {
	if room := 64<<10 - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
