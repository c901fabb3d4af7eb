package cluster

import (
	"context"
	"fmt"

	"axolotl/internal/term"
	"axolotl/vm"
)

// RestartNode cuts the power of a machine and gives it back, whatever it is now,
// and waits until its node is Ready. All that is on its disk stays: with it a
// control plane among several is again the member of etcd that it was.
func (s Store) RestartNode(ctx context.Context, name, node string, open Opener, progress *term.Progress) error {
	c, release, err := s.take(name)
	if err != nil {
		return err
	}
	defer release()
	h, err := s.openTaken(ctx, name, open)
	if err != nil {
		return err
	}
	powerer, ok := h.Driver.(vm.Powerer)
	if !ok {
		return fmt.Errorf("driver %s does not own the machines: their power is not ours", h.Driver.Name())
	}
	return Run(ctx, progress, append([]vm.Action{
		{Name: "Cut the power of " + node, Run: func(ctx context.Context, _ *term.Step) error { return powerer.PowerOff(ctx, c, node) }},
		{Name: "Give it back", Run: func(ctx context.Context, _ *term.Step) error { return powerer.PowerOn(ctx, c, node) }},
	}, ready(h, node)...))
}
