package minikube

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"axolotl/internal/term"
	"axolotl/vm"
)

const (
	program      = "minikube"
	homeVariable = "MINIKUBE_HOME"

	// endWithin is how long minikube may take to end when it is interrupted.
	endWithin = 20 * time.Second
)

// quietly has minikube not ask the internet whether there is a newer one, and
// leave its pictures out.
var quietly = []string{"MINIKUBE_WANTUPDATENOTIFICATION=false", "MINIKUBE_IN_STYLE=false"}

// command is how minikube is called.
type command struct {
	profile     string
	environment []string
}

// of is how it is called for a cluster: for its profile, in the MINIKUBE_HOME
// that this is in, with a kubeconfig that is nobody else's.
func of(c *vm.Cluster) command {
	environment := []string{"KUBECONFIG=" + c.Kubeconfig()}
	if o, err := ownerOf(c); err == nil && o != nil { // an empty one is as good as none, to minikube
		environment = append(environment, homeVariable+"="+o.Home)
	}
	return command{profile: profile(c), environment: environment}
}

// run runs minikube and returns its standard output. What it tells of its steps
// as events becomes the status of the step. The error is of type *Error where
// minikube says why.
func (m command) run(ctx context.Context, step *term.Step, args ...string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", errNotInstalled
	}
	what := words(args)
	if m.profile != "" {
		// First: what follows "--" is no flag of minikube's.
		args = append([]string{"--profile", m.profile}, args...)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(append(os.Environ(), quietly...), m.environment...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = endWithin
	var stdout, stderr bytes.Buffer
	heard := &listener{step: step}
	events, done := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		heard.listen(events)
	}()
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, done), &stderr
	err = cmd.Run()
	done.Close()
	<-ended
	switch {
	case err == nil:
		return stdout.String(), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("minikube %s: %w", what, ctx.Err())
	}
	return stdout.String(), m.failure(what, err, heard.failed, stdout.String(), stderr.String())
}

// words are the subcommand, as a person names it.
func words(args []string) string {
	for i, arg := range args {
		if strings.HasPrefix(arg, "-") {
			return strings.Join(args[:i], " ")
		}
	}
	return strings.Join(args, " ")
}

// failure is the error of a minikube that has failed.
func (m command) failure(what string, err error, event *Error, stdout, stderr string) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("minikube %s: %w", what, err)
	}
	failed := event
	if failed == nil {
		failed = inText(stdout + "\n" + stderr)
	}
	failed.Command, failed.Profile, failed.ExitCode = what, m.profile, exit.ExitCode()
	return failed
}

// listener hears the events of a minikube that works.
type listener struct {
	step   *term.Step
	failed *Error
}

// listen reads until the end, whatever comes: minikube must not wait for it.
func (l *listener) listen(from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		l.hear(line)
		if err != nil {
			return
		}
	}
}

func (l *listener) hear(line []byte) {
	e, ok := parseEvent(line)
	if !ok {
		return
	}
	if failed := e.failure(); failed != nil {
		l.failed = failed
	}
	if said := e.progress(); said != "" && l.step != nil {
		l.step.Status("%s", said)
	}
}
