// Package existing is the driver of clusters that somebody else has made: any
// context of any kubeconfig, programs that give credentials included (EKS, GKE,
// AKS, OpenShift, Rancher).
//
// It makes nothing and removes nothing, on this host or in the cluster: up
// records the context, down forgets it. Machines are not ours to touch, so it
// has none of the abilities that a driver may have beside vm.Driver. Whoever
// wants to break something in such a cluster must say so (chaos).
package existing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Name is the word for this driver.
const Name = "existing"

// answerWithin is how long an API server may take: the way may be long, and a
// program may have to be asked for credentials first.
const answerWithin = 20 * time.Second

// Driver records clusters by their context.
type Driver struct{ source vm.Source }

var _ vm.Driver = (*Driver)(nil)

// New returns the driver for new clusters of a source; those that are recorded
// know their own.
func New(source vm.Source) *Driver { return &Driver{source: source} }

// Name implements vm.Driver.
func (d *Driver) Name() string { return Name }

// Traits implements vm.Driver.
func (d *Driver) Traits() vm.Traits { return vm.Traits{RealPods: true, Foreign: true} }

// Checks implements vm.Driver.
func (d *Driver) Checks() []vm.HostCheck {
	return []vm.HostCheck{{Name: "the context is in the kubeconfig", Run: func(context.Context) (string, error) {
		_, err := kube.CopyContext(d.source.Kubeconfig, d.source.Context)
		return d.source.String(), err
	}}}
}

// Plan implements vm.Driver: there are no machines of ours.
func (d *Driver) Plan(_ context.Context, c *vm.Cluster) error {
	source := d.source
	c.Source, c.Machines = &source, []vm.Machine{}
	return nil
}

// Up implements vm.Driver.
func (d *Driver) Up(c *vm.Cluster) []vm.Action {
	return []vm.Action{
		{Name: "Read the context", Run: func(context.Context, *term.Step) error { return readContext(c) }},
		{Name: "Ask the API server", Run: func(ctx context.Context, _ *term.Step) error {
			client, err := kube.Open(c.Kubeconfig(), "")
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			if err := client.Ready(ctx); err != nil {
				return fmt.Errorf("%s does not answer as %s: %w; see 'kubectl --context %s get --raw /readyz', or forget it with 'axolotl down %s'",
					client.Config.Host, c.Source, err, c.Source.Context, c.Name)
			}
			return nil
		}},
	}
}

// readContext copies the context, with the credentials of now. It refuses one
// that leads elsewhere by now: what was said of a cluster is not true of
// another one.
func readContext(c *vm.Cluster) error {
	data, err := kube.CopyContext(c.Source.Kubeconfig, c.Source.Context)
	if err != nil {
		return err
	}
	now, err := clientcmd.RESTConfigFromKubeConfig(data)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.Kubeconfig())
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		before, err := clientcmd.RESTConfigFromKubeConfig(text)
		if err != nil {
			return err
		}
		if !sameServer(before, now) {
			return fmt.Errorf("%s leads to %s now, and to another API server (%s) when cluster %q was recorded; forget that first with 'axolotl down %s'",
				c.Source, now.Host, before.Host, c.Name, c.Name)
		}
	}
	return store.WriteFile(c.Kubeconfig(), data, 0o600)
}

func sameServer(a, b *rest.Config) bool {
	return a.Host == b.Host && bytes.Equal(a.CAData, b.CAData) && a.ServerName == b.ServerName && a.Insecure == b.Insecure
}

// Down implements vm.Driver: nothing is ours but the record, which the caller
// removes.
func (d *Driver) Down(*vm.Cluster) []vm.Action { return nil }

// Machines implements vm.Driver.
func (d *Driver) Machines(context.Context, *vm.Cluster) ([]vm.MachineStatus, error) {
	return []vm.MachineStatus{}, nil
}
