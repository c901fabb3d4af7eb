package check

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"axolotl/internal/kube"
)

// Exec holds where a command, run in a container of a pod, puts out what is
// expected. Without Expression and Contains, it must exit with 0. The
// expression knows "stdout", "stderr" (strings) and "exitCode".
type Exec struct {
	Client     *kube.Client
	Namespace  string
	Pod        string            // this pod,
	Pods       map[string]string // or the first by name that runs and has these labels
	Container  string            // the pod's default where empty
	Command    []string
	Contains   string // in the standard output, with exit code 0
	Expression *Expression
	Variables  map[string]any
}

// String implements Condition.
func (e Exec) String() string {
	expected := "it exits with 0"
	switch {
	case e.Expression != nil:
		expected = e.Expression.String()
	case e.Contains != "":
		expected = fmt.Sprintf("it puts out %q", e.Contains)
	}
	return fmt.Sprintf("%q in %s: %s", strings.Join(e.Command, " "), PodSelector(e.Namespace, e.Pod, e.Pods), expected)
}

// Check implements Condition.
func (e Exec) Check(ctx context.Context) error {
	pod, err := RunningPod(ctx, e.Client, PodSelector(e.Namespace, e.Pod, e.Pods))
	if err != nil {
		return err
	}
	output, err := e.Client.Exec(ctx, e.Namespace, pod, e.Container, e.Command)
	if err != nil {
		return err
	}
	facts := []string{fmt.Sprintf("in Pod %s it exits with %d, puts out %s, errors %s",
		pod, output.ExitCode, brief(output.Stdout), brief(output.Stderr))}
	if e.Expression == nil {
		if output.ExitCode == 0 && strings.Contains(output.Stdout, e.Contains) {
			return nil
		}
		return &Unmet{Expected: e.String(), Seen: facts}
	}
	err = e.Expression.Holds(ctx, with(e.Variables,
		"stdout", output.Stdout, "stderr", output.Stderr, "exitCode", output.ExitCode))
	var unmet *Unmet
	if errors.As(err, &unmet) {
		unmet.Seen = facts
	}
	return err
}

// PodSelector selects a pod by name, or pods by labels.
func PodSelector(namespace, name string, labels map[string]string) Selector {
	return Selector{GroupVersionKind: kube.PodKind, Namespace: namespace, Name: name, Labels: labels}
}

// RunningPod returns the name of the first selected pod, by name, that runs
// and is not being deleted. The error is *Unmet where there is none.
func RunningPod(ctx context.Context, client *kube.Client, selector Selector) (string, error) {
	pods, err := selector.List(ctx, client)
	if err != nil {
		return "", err
	}
	for _, pod := range pods {
		if kube.Text(pod, "status", "phase") == "Running" && pod.GetDeletionTimestamp() == nil {
			return pod.GetName(), nil
		}
	}
	return "", &Unmet{Expected: "a running one of " + selector.String(), Seen: append([]string{"there is none"}, summaries(pods)...)}
}
