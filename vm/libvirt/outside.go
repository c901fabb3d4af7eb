package libvirt

import (
	"archive/tar"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"axolotl/vm"
)

// outsideGateway is where a guest's way out begins, in QEMU's user-mode network.
const outsideGateway = "10.0.2.2"

var (
	//go:embed outside.nft
	outsideRules string
	//go:embed axolotl-outside.service
	outsideUnit string
)

// outsideFiles give a machine its way out when it boots; there are none where
// the cluster has none. The default route is by the gateway of environment.
func outsideFiles(c *vm.Cluster) []seedEntry {
	if !c.Spec.Internet {
		return nil
	}
	rules := strings.NewReplacer("@PODS@", vm.PodCIDR, "@DNS@", vm.OutsideDNS).Replace(outsideRules)
	files := []seedEntry{
		{"etc/resolv.conf", "nameserver " + vm.OutsideDNS + "\n"},
		{"etc/axolotl/outside.nft", rules},
		{"etc/systemd/system/axolotl-outside.service", outsideUnit},
		{"etc/systemd/system/multi-user.target.d/axolotl-outside.conf", "[Unit]\nWants=axolotl-outside.service\n"},
	}
	for _, registry := range slices.Sorted(maps.Keys(c.Spec.RegistryMirrors)) {
		// containerd's config_path, where it looks anew at each pull.
		files = append(files, seedEntry{"etc/containerd/certs.d/" + registry + "/hosts.toml", mirrorHosts(c.Spec.RegistryMirrors[registry])})
	}
	return files
}

// mirrorHosts names the mirrors of a registry, which itself is asked after them.
func mirrorHosts(mirrors []string) string {
	var text strings.Builder
	for _, mirror := range mirrors {
		fmt.Fprintf(&text, "[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", mirror)
	}
	return text.String()
}

// outsideArchive is where the files come to in a machine that runs.
const outsideArchive = "/run/axolotl-outside.tar"

// useOutside runs in a machine. At the end all is on its disk: whoever cuts its
// power afterwards does not find half of the files.
const useOutside = `set -e
PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
tar -C / -xf ` + outsideArchive + `
rm ` + outsideArchive + `
nft -f /etc/axolotl/outside.nft
ip route replace default via ` + outsideGateway + ` dev eth0
sync`

// openWay gives a machine that runs, and has not booted with them, its way out
// and all that makes it last. A golden snapshot has none, whatever is restored
// from it.
func (d *Driver) openWay(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	files := outsideFiles(c)
	if len(files) == 0 {
		return nil
	}
	var buffer bytes.Buffer
	archive := tar.NewWriter(&buffer)
	if err := addFiles(archive, append(files, seedEntry{"etc/axolotl/node.env", environment(c, m)})); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	err := d.WriteFile(ctx, c, m.Name, outsideArchive, buffer.Bytes())
	if err == nil {
		_, err = d.Exec(ctx, c, m.Name, "/bin/sh", "-c", useOutside)
	}
	if err != nil {
		return fmt.Errorf("give %s its way out: %w", m.Name, err)
	}
	return nil
}

// openWays is openWay for those machines of a restored cluster that come from its
// golden snapshot and boot from their disks: one whose disk was made anew has
// booted without.
func (d *Driver) openWays(ctx context.Context, c *vm.Cluster) error {
	if !c.Spec.Internet {
		return nil
	}
	return each(pointers(c.Machines), func(m *vm.Machine) error {
		if golden, err := d.inGolden(c, m.Name); err != nil || !golden || slices.Contains(c.Joining, m.Name) {
			return err
		}
		if err := d.awaitAgent(ctx, c, m); err != nil {
			return err
		}
		return d.openWay(ctx, c, m)
	})
}
