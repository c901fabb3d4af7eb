package cluster

import (
	"context"
	"fmt"
	"io"

	"axolotl/internal/kube"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

// Open returns a handle of a cluster that was brought up. Nothing is asked of
// it yet; what it is reached by is started again where it does not run.
func (s Store) Open(ctx context.Context, name string, open Opener) (*vm.Handle, error) {
	return s.openMended(ctx, name, open, s.mend)
}

// openTaken is Open for who holds the cluster's lock.
func (s Store) openTaken(ctx context.Context, name string, open Opener) (*vm.Handle, error) {
	return s.openMended(ctx, name, open, mendTaken)
}

func (s Store) openMended(ctx context.Context, name string, open Opener, mend func(context.Context, *vm.Cluster, vm.Driver) error) (*vm.Handle, error) {
	c, err := s.Load(name)
	if err != nil {
		return nil, err
	}
	if c.Phase != vm.PhaseUp {
		return nil, notUp(c)
	}
	driver, err := open(c)
	if err != nil {
		return nil, err
	}
	if err := mend(ctx, c, driver); err != nil {
		return nil, err
	}
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return nil, err
	}
	h := s.handle(c, driver)
	h.Kube = client
	return h, nil
}

// handle is a handle of a cluster, without a client.
func (s Store) handle(c *vm.Cluster, driver vm.Driver) *vm.Handle {
	same := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
	h := &vm.Handle{Cluster: c, Driver: driver, Recreate: func(ctx context.Context, cold bool, nodes ...string) error {
		err := s.RecreateNodes(ctx, c.Name, nodes, cold, same, term.NewProgress(io.Discard, true))
		if err == nil { // of this handle's copy of the record, too
			c.HaveJoined(nodes...)
		} else if now, loadErr := s.Load(c.Name); loadErr == nil && now.ID == c.ID {
			c.Joining = now.Joining // whoever looks again must know what is half made
		}
		return err
	}}
	h.Kubectl = func(ctx context.Context, progress *term.Progress) (string, error) {
		return image.Kubectl(ctx, s.Home, progress)
	}
	if loader, ok := driver.(vm.ImageLoader); ok {
		h.LoadImages = s.giveImages(c.Name, loader)
	}
	return h
}

func notUp(c *vm.Cluster) error {
	return fmt.Errorf("cluster %q is %s; finish it with 'axolotl up %s' or remove it with 'axolotl down %s'", c.Name, c.Phase, c.Name, c.Name)
}
