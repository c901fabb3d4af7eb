// Package minikube is the driver that leaves the machines to minikube: one
// profile a cluster, through the command that the user has installed.
//
// MINIKUBE_HOME stays the user's: gigabytes of images are cached there, and the
// profile is then one that "minikube -p axolotl-NAME" works with as well. The
// kubeconfig is not: minikube is given a file in the cluster's own directory,
// and the user's is merged into as for every other driver. What is ours, a note
// in that directory says (see owner.go); nothing else is removed.
package minikube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"axolotl/internal/term"
	"axolotl/vm"
)

// Name is the word for this driver.
const Name = "minikube"

// Providers are the drivers of minikube by which it may be told to make the
// machines.
var Providers = []string{"docker", "kvm2", "qemu2", "virtualbox", "vmware"}

// Driver has minikube make clusters.
type Driver struct{ provider string }

var (
	_ vm.Driver      = (*Driver)(nil)
	_ vm.Powerer     = (*Driver)(nil)
	_ vm.Grower      = (*Driver)(nil)
	_ vm.Rejoiner    = (*Driver)(nil)
	_ vm.Executor    = (*Driver)(nil)
	_ vm.ImageLoader = (*Driver)(nil)
)

// New returns the driver that makes new clusters with one of Providers; empty
// leaves that to minikube. Those that are recorded know their own.
func New(provider string) *Driver { return &Driver{provider: provider} }

// CheckProvider refuses what is not one of Providers, nor empty.
func CheckProvider(provider string) error {
	if provider == "" || slices.Contains(Providers, provider) {
		return nil
	}
	return fmt.Errorf("%q is no driver of minikube that is known here; use %s", provider, strings.Join(Providers, ", "))
}

// Name implements vm.Driver.
func (d *Driver) Name() string { return Name }

// Traits implements vm.Driver. The machines are none that faults may be done
// to: with docker they are privileged containers, whose clock, disk and kernel
// are this host's, and none has the tools inside that our own image has.
func (d *Driver) Traits() vm.Traits { return vm.Traits{RealPods: true, Formed: true} }

// Checks implements vm.Driver.
func (d *Driver) Checks() []vm.HostCheck {
	return []vm.HostCheck{{Name: "minikube is installed", Run: func(ctx context.Context) (string, error) {
		path, err := exec.LookPath(program)
		if err != nil {
			return "", errNotInstalled
		}
		out, err := command{}.run(ctx, nil, "version", "--short")
		return path + ", " + strings.TrimSpace(out), err
	}}}
}

// Plan implements vm.Driver. Machines have the names that minikube will give
// them, which are their nodes' names, too.
func (d *Driver) Plan(_ context.Context, c *vm.Cluster) error {
	switch {
	case c.Spec.ControlPlanes != 1:
		return fmt.Errorf("driver %s has one control plane, asked for %d; ask for one", Name, c.Spec.ControlPlanes)
	case len(c.Spec.Groups) > 0 || c.Spec.APIServer != nil:
		return fmt.Errorf("driver %s makes machines that are all alike; leave groups and settings out, or take another driver", Name)
	}
	if len(c.Machines) == 0 {
		c.Provider = d.provider
	}
	had, last := len(c.Machines), 0
	if had > 0 {
		last = numberOf(c, c.Machines[had-1].Name)
	}
	c.Machines = vm.PlanMachines(c.Machines, c.Spec)
	for i := had; i < len(c.Machines); i++ {
		last++
		c.Machines[i].Name, c.Machines[i].Index = nodeName(c, last), last
	}
	return nil
}

// Up implements vm.Driver.
func (d *Driver) Up(c *vm.Cluster) []vm.Action {
	return []vm.Action{
		{Name: "Take the profile " + profile(c), Run: func(ctx context.Context, _ *term.Step) error {
			return take(ctx, c)
		}},
		{Name: "Start Kubernetes with minikube", Run: func(ctx context.Context, step *term.Step) error {
			return start(ctx, c, step)
		}},
	}
}

// start starts what is there of a cluster, and makes what is missing.
func start(ctx context.Context, c *vm.Cluster, step *term.Step) error {
	have, err := nodes(ctx, c)
	if err != nil {
		return err
	}
	if len(have) > 0 && serves(ctx, c, have) {
		return complete(ctx, c, have, step)
	}
	args := []string{"start", "--output", "json", "--interactive=false", "--embed-certs"}
	if len(have) == 0 {
		args = append(args,
			"--nodes", strconv.Itoa(highest(c)),
			"--cpus", strconv.Itoa(c.Spec.CPUs),
			"--memory", fmt.Sprintf("%dmb", c.Spec.MemoryMiB),
			"--disk-size", fmt.Sprintf("%dg", c.Spec.DiskGiB),
			"--container-runtime", "containerd", // it imports OCI archives, which is what LoadImages has
			"--cni", "kindnet") // minikube's own choice for one node does not let it grow
		if c.Provider != "" {
			args = append(args, "--driver", c.Provider)
		}
	}
	if _, err := of(c).run(ctx, step, args...); err != nil {
		return err
	}
	fresh := len(have) == 0
	if have, err = nodes(ctx, c); err != nil {
		return err
	}
	for _, name := range have {
		// A number that became free is not given again by itself: where the
		// record has a gap, the machine that fills it goes.
		if fresh && c.Machine(name) == nil {
			if err := remove(ctx, c, name); err != nil {
				return err
			}
		}
	}
	return complete(ctx, c, have, step)
}

// complete starts the machines of the record that are off, and adds those that
// are missing, as after a start that was interrupted. What is joining is not
// its concern.
func complete(ctx context.Context, c *vm.Cluster, have []string, step *term.Step) error {
	for _, m := range c.Machines {
		if slices.Contains(c.Joining, m.Name) || slices.Contains(have, m.Name) {
			continue
		}
		step.Status("%s is missing", m.Name)
		if err := join(ctx, c, m.Name); err != nil {
			return err
		}
	}
	return nil
}

// Down implements vm.Driver.
func (d *Driver) Down(c *vm.Cluster) []vm.Action {
	return []vm.Action{{Name: "Delete the profile " + profile(c), Run: func(ctx context.Context, step *term.Step) error {
		o, err := ownerOf(c)
		if err != nil || o == nil {
			return err // no note: nothing was begun
		}
		if _, err := of(c).run(ctx, step, "delete", "--output", "json"); err != nil {
			return err
		}
		return o.forget(c)
	}}}
}

// errNotInstalled is the error where there is no minikube.
var errNotInstalled = errors.New("there is no minikube in PATH; install it (https://minikube.sigs.k8s.io/docs/start/), or take another driver")

// profile is the name of a cluster's profile, which is its context's, too.
func profile(c *vm.Cluster) string { return c.Context() }

// nodeName is the name that minikube gives its n-th machine: the first has the
// profile's.
func nodeName(c *vm.Cluster, n int) string {
	if n == 1 {
		return profile(c)
	}
	return fmt.Sprintf("%s-m%02d", profile(c), n)
}

// numberOf is the n of nodeName; 0: it is none of the cluster's.
func numberOf(c *vm.Cluster, name string) int {
	if name == profile(c) {
		return 1
	}
	number, _ := strings.CutPrefix(name, profile(c)+"-m")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return n
}

// highest is the number of the last machine that is not joining.
func highest(c *vm.Cluster) int {
	most := 1
	for _, m := range c.Machines {
		if !slices.Contains(c.Joining, m.Name) {
			most = max(most, numberOf(c, m.Name))
		}
	}
	return most
}

// machine is a machine of the record, or an error that names it.
func machine(c *vm.Cluster, name string) (*vm.Machine, error) {
	if m := c.Machine(name); m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("cluster %q has no machine %q", c.Name, name)
}

// has tells whether a file is there.
func has(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
