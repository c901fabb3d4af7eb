package labs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"axolotl/internal/kube"
	"axolotl/internal/term"
)

// kubectlDeed types lines as a learner does. The built-in kubectl runs them, one
// after another, with no shell: by the lab's own kubeconfig where it has one, else
// by one whose namespace is the lab's.
type kubectlDeed string

// String is the first line, and whether there are more.
func (k kubectlDeed) String() string {
	first, more, _ := strings.Cut(strings.TrimSpace(string(k)), "\n")
	if more != "" {
		first += " …"
	}
	return first
}

// placeholderLetter blots placeholders out for lint.
const placeholderLetter = "x"

func (k kubectlDeed) validate(v *validator, at string) {
	blotted := placeholder.ReplaceAllStringFunc(string(k), func(found string) string {
		return strings.Repeat(placeholderLetter, len(found))
	})
	commands, faults := readCommands(blotted)
	for _, c := range commands {
		if fault := c.forbidden(v.lab.names(kubeconfigVariable)); fault != "" {
			faults = append(faults, commandFault{c.line, c.column, fault})
		}
		call, _ := c.call() // what is wrong with it was told
		if insidePods[call.verb] {
			v.needsRealPods(at)
		}
		for _, namespace := range call.namespaces() {
			if !strings.HasPrefix(namespace, placeholderLetter) {
				faults = append(faults, commandFault{c.line, c.column, fmt.Sprintf(
					`a lab acts only in its own namespaces, not in %q; begin it with "{{ namespace }}"`, namespace)})
			}
		}
	}
	if len(commands)+len(faults) == 0 {
		v.document.Faultf(at, "there is no command")
	}
	for _, f := range faults {
		v.document.FaultInside(at, f.line, f.column, "%s", f.message)
	}
}

func (k kubectlDeed) do(ctx context.Context, s *session) error {
	commands, faults := readCommands(string(k))
	if len(faults) > 0 { // a variable's value brought it
		return errors.New(faults[0].message)
	}
	if err := s.getKubectl(ctx, term.NewProgress(nil, true)); err != nil { // as a rule it is there
		return err
	}
	config, done, err := s.typingConfig()
	if err != nil {
		return err
	}
	defer done()
	for _, c := range commands {
		if fault := c.forbidden(s.lab.names(kubeconfigVariable)); fault != "" {
			return errors.New(fault)
		}
		call, _ := c.call() // it has no fault
		for _, namespace := range call.namespaces() {
			if err := s.owns(namespace); err != nil {
				return err
			}
		}
		if err := c.run(ctx, s.kubectl, config); err != nil {
			return err
		}
	}
	return nil
}

// getKubectl gets the program, once, where one of these actions needs it: before the
// time of a step runs, as it may have to be compiled.
func (r *runner) getKubectl(ctx context.Context, actions ...Action) error {
	if !slices.ContainsFunc(actions, func(a Action) bool { return a.Kubectl != "" }) {
		return nil
	}
	return r.session.getKubectl(ctx, r.Progress)
}

func (s *session) getKubectl(ctx context.Context, progress *term.Progress) (err error) {
	switch {
	case s.kubectl != "":
		return nil
	case s.handle.Kubectl == nil:
		return errors.New("there is no kubectl that a lab could type")
	}
	s.kubectl, err = s.handle.Kubectl(ctx, progress)
	return err
}

// run runs a command; its error tells what it printed.
func (c command) run(ctx context.Context, program, kubeconfig string) error {
	cmd := exec.CommandContext(ctx, program, c.words...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	// A user's kuberc may give commands another meaning.
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "KUBECTL_KUBERC=false")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	const most = 2000
	said := strings.TrimSpace(string(out))
	if len(said) > most {
		said = "…" + strings.ToValidUTF8(said[len(said)-most:], "")
	}
	if said == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, said)
}

// typingConfig is the lab's own kubeconfig, which its learner has set too, or one
// for the moment, which done removes.
func (s *session) typingConfig() (path string, done func(), err error) {
	if s.lab.names(kubeconfigVariable) {
		return s.kubeconfig(), func() {}, nil
	}
	data, err := kube.RenderContext(s.handle.Cluster.Kubeconfig(), s.handle.Cluster.Context())
	if err != nil {
		return "", nil, err
	}
	config, err := clientcmd.Load(data)
	if err != nil {
		return "", nil, err
	}
	config.Contexts[config.CurrentContext].Namespace = s.namespace
	dir, err := os.MkdirTemp("", "axolotl-kubectl-")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return path, func() { os.RemoveAll(dir) }, nil
}
