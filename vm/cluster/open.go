package cluster

import (
	"fmt"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// Open returns a handle of a cluster that was brought up. Nothing is asked of
// it yet.
func (s Store) Open(name string, open Opener) (*vm.Handle, error) {
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
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return nil, err
	}
	return &vm.Handle{Cluster: c, Driver: driver, Kube: client}, nil
}

func notUp(c *vm.Cluster) error {
	return fmt.Errorf("cluster %q is %s; finish it with 'axolotl up %s' or remove it with 'axolotl down %s'", c.Name, c.Phase, c.Name, c.Name)
}
