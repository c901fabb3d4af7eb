package libvirt

import (
	"context"
	"fmt"

	"axolotl/internal/daemon"
	"axolotl/internal/term"
	"axolotl/vm"
)

// tunnelKind marks the tunnels, and each ssh of one: whichever lives is ended
// with its cluster.
const tunnelKind daemon.Kind = "TUNNEL"

// The components of a tunnel: the process that begins each ssh anew which breaks,
// and those.
const (
	tunnelName = "tunnel"
	sshName    = "ssh"
)

// TunnelCommand is the hidden subcommand of axolotl that is the tunnel of the
// cluster whose directory is its argument.
const TunnelCommand = "libvirt-tunnel"

// needsTunnel tells whether a cluster has machines on another host.
func needsTunnel(c *vm.Cluster) bool {
	return c.Spec.Spread() || isRemote(c.URI)
}

func tunnelLog(c *vm.Cluster) string { return c.Path("tunnel.log") }

// tunnel lists what has the ports of machines on another host here.
func (d *Driver) tunnel(c *vm.Cluster) []vm.Action {
	if !needsTunnel(c) {
		return nil
	}
	return []vm.Action{{Name: "Have their ports here", Run: func(ctx context.Context, _ *term.Step) error {
		return d.ensureTunnel(ctx, c)
	}}}
}

// tunnelled tells whether a cluster's tunnel runs, or none is needed.
func (d *Driver) tunnelled(c *vm.Cluster) (bool, error) {
	if !needsTunnel(c) {
		return true, nil
	}
	running, err := tunnelKind.Find(daemon.Component(c.ID, tunnelName))
	return len(running) > 0, err
}

// ensureTunnel starts a cluster's tunnel where it needs one and none runs. The
// caller holds the cluster's lock.
func (d *Driver) ensureTunnel(ctx context.Context, c *vm.Cluster) error {
	if whole, err := d.tunnelled(c); whole || err != nil {
		return err
	}
	// What an ended one may have left has the ports.
	if err := d.endTunnel(ctx, c); err != nil {
		return err
	}
	cmd, err := d.Tunnel(c.Dir)
	if err != nil {
		return err
	}
	who := daemon.Process{Cluster: c.ID, Dir: c.Dir, Component: tunnelName}
	if err := tunnelKind.Launch(ctx, cmd, who, tunnelLog(c), tunnelling); err != nil {
		return fmt.Errorf("%w; 'axolotl up %s' tries again", err, c.Name)
	}
	return nil
}

// endTunnel ends a cluster's tunnel.
func (d *Driver) endTunnel(ctx context.Context, c *vm.Cluster) error {
	return end(ctx, tunnelKind, c, tunnelName, tunnelLog(c))
}
