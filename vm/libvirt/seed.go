package libvirt

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/image"
	"axolotl/vm/kubeadm"
)

// kubeadmConfig is what the cluster's credentials are made for.
func kubeadmConfig(c *vm.Cluster) kubeadm.Config {
	config := kubeadm.Config{
		ClusterName:       c.Name,
		KubernetesVersion: image.KubernetesVersion,
		ServiceSubnet:     vm.ServiceCIDR,
		PodSubnet:         vm.PodCIDR,
		Endpoint:          apiEndpoint(c),
		HostPort:          c.APIPort,
		BindPort:          apiPort,
	}
	for _, m := range c.Machines {
		config.Nodes = append(config.Nodes, kubeadm.Node{Name: m.Name, Address: m.Address, ControlPlane: m.Role == vm.ControlPlane})
	}
	return config
}

// writeSeed writes what makes a machine this machine: a tar that its initrd
// unpacks over the root once. The last entry marks the root as seeded. A seed
// that exists stays: the machine may be reading it.
func writeSeed(file string, c *vm.Cluster, m *vm.Machine) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var buffer bytes.Buffer
	archive := tar.NewWriter(&buffer)
	if err := addTree(archive, "etc/kubernetes", kubeadm.NodeDir(c.Dir, m.Name)); err != nil {
		return fmt.Errorf("credentials of %s: %w", m.Name, err)
	}
	if m.Role == vm.ControlPlane && !slices.Contains(c.Joining, m.Name) {
		// Where none was begun, the machine begins itself; one that joins gets it
		// from the others.
		if err := addTree(archive, etcdDir, firstData(c, m.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("first objects of %s: %w", m.Name, err)
		}
	}
	settings, err := settingsFiles(c, m)
	if err != nil {
		return fmt.Errorf("settings of %s: %w", m.Name, err)
	}
	gateway, err := gatewayFiles(c)
	if err != nil {
		return fmt.Errorf("gateway of %s: %w", m.Name, err)
	}
	err = addFiles(archive, slices.Concat(settings, gateway, outsideFiles(c), []seedEntry{
		{"etc/hostname", m.Name + "\n"},
		{"etc/hosts", hosts(c, m)},
		{"etc/machine-id", strings.ReplaceAll(m.UUID, "-", "") + "\n"},
		{"etc/cni/net.d/10-axolotl.conflist", networkConfig(m)},
		{"etc/axolotl/node.env", environment(c, m)},
		{"etc/axolotl/seeded", c.ID + "\n"},
	}))
	if err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	if err := noteNeighbours(filepath.Dir(file), neighbours(c, m)); err != nil {
		return err
	}
	return store.WriteFile(file, buffer.Bytes(), 0o600)
}

// addTree adds a directory, for root alone, and all that is in it.
func addTree(archive *tar.Writer, name, dir string) error {
	return filepath.WalkDir(dir, func(source string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, source)
		if err != nil {
			return err
		}
		header := tar.Header{Name: path.Join(name, filepath.ToSlash(relative)), Format: tar.FormatUSTAR}
		if entry.IsDir() {
			header.Typeflag, header.Mode = tar.TypeDir, 0o700
			header.Name += "/"
			return archive.WriteHeader(&header)
		}
		data, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		header.Typeflag, header.Mode, header.Size = tar.TypeReg, 0o600, int64(len(data))
		if err := archive.WriteHeader(&header); err != nil {
			return err
		}
		_, err = archive.Write(data)
		return err
	})
}

// seedEntry is a file of a seed.
type seedEntry struct{ name, text string }

// addFiles adds files that everybody may read.
func addFiles(archive *tar.Writer, files []seedEntry) error {
	for _, file := range files {
		err := archive.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: file.name, Mode: 0o644, Size: int64(len(file.text)), Format: tar.FormatUSTAR,
		})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(archive, file.text); err != nil {
			return err
		}
	}
	return nil
}

// settingsFiles are in place of those of the node image where a machine's
// kubelet or API server is set otherwise.
func settingsFiles(c *vm.Cluster, m *vm.Machine) ([]seedEntry, error) {
	var files []seedEntry
	if changed := c.Spec.GroupOf(m).Kubelet; changed != nil {
		text, err := kubeletConfig(changed)
		if err != nil {
			return nil, err
		}
		files = append(files, seedEntry{"etc/kubernetes/kubelet.yaml", text})
	}
	if changed := c.Spec.APIServer; changed != nil && m.Role == vm.ControlPlane {
		text, err := apiServerDropIn(changed)
		if err != nil {
			return nil, err
		}
		files = append(files, seedEntry{"etc/systemd/system/kube-apiserver.service.d/axolotl.conf", text})
	}
	return files, nil
}

// environment is what the units of the node image read.
func environment(c *vm.Cluster, m *vm.Machine) string {
	var members, routes []string
	controlPlanes := 0
	for _, other := range c.Machines {
		if other.Role == vm.ControlPlane {
			controlPlanes++
			members = append(members, other.Name+"="+peerURL(&other))
		}
		if other.Name != m.Name {
			routes = append(routes, vm.PodSubnet(other.Index)+"="+other.Address)
		}
	}
	// A member alone waits one heartbeat for its own election; several on
	// emulated machines need patience with each other.
	heartbeat, election := 100, 1000
	if controlPlanes > 1 {
		heartbeat, election = 500, 5000
	}
	// Kubernetes' own: a leader that has not renewed for ten seconds ends itself.
	// Emulated, that is what one of three API servers takes now and then, and the
	// next leader half a minute to begin.
	lease, renew, retry := 15, 10, 2
	// And its own two seconds that etcd has for an answer before an API server is
	// not well: a controller manager waits ten for one that is, or ends itself.
	health := 2
	if controlPlanes > 1 && c.Spec.Accel == AccelTCG {
		lease, renew, retry, health = 60, 45, 5, 8
	}
	state := "new" // what an etcd heeds that has no data
	if m.Role == vm.ControlPlane && slices.Contains(c.Joining, m.Name) {
		state = "existing"
	}
	lines := []string{
		"NODE_NAME=" + m.Name,
		"NODE_IP=" + m.Address,
		"SERVICE_CIDR=" + vm.ServiceCIDR,
		fmt.Sprintf("NODE_PORT_RANGE=%d-%d", vm.NodePortFirst, vm.NodePortFirst+vm.NodePortCount-1),
		"CLUSTER_MEMBERS=" + strings.Join(members, ","),
		"CLUSTER_STATE=" + state,
		fmt.Sprintf("MEMBER_HEARTBEAT_MS=%d", heartbeat),
		fmt.Sprintf("MEMBER_ELECTION_MS=%d", election),
		// Alone there is nobody to elect, and the lease costs writes and, after
		// a restore, the wait until the old one has run out.
		fmt.Sprintf("LEADER_ELECT=%t", controlPlanes > 1),
		fmt.Sprintf("LEADER_LEASE=%ds", lease),
		fmt.Sprintf("LEADER_RENEW=%ds", renew),
		fmt.Sprintf("LEADER_RETRY=%ds", retry),
		fmt.Sprintf("ETCD_HEALTH=%ds", health),
		fmt.Sprintf("POD_ROUTES=%q", strings.Join(routes, " ")),
	}
	if c.Spec.Accel == AccelTCG {
		// Each thread that Go wakes to look for work costs an interrupt of another
		// emulated CPU. With half of them an idle node takes an eighth less of the
		// host, a pod's start a tenth less.
		lines = append(lines, fmt.Sprintf("GOMAXPROCS=%d", max(1, c.Spec.GroupOf(m).CPUs/2)))
	}
	if c.Spec.Internet {
		lines = append(lines, "DEFAULT_GATEWAY="+outsideGateway)
	}
	return strings.Join(lines, "\n") + "\n"
}

// peerURL is by which the members of etcd know one.
func peerURL(m *vm.Machine) string { return "https://" + m.Address + ":2380" }

func hosts(c *vm.Cluster, m *vm.Machine) string {
	lines := []string{"127.0.0.1 localhost", m.Address + " " + m.Name}
	for _, other := range c.Machines {
		if other.Name != m.Name {
			lines = append(lines, other.Address+" "+other.Name)
		}
	}
	slices.Sort(lines[2:])
	return strings.Join(lines, "\n") + "\n"
}

// networkConfig is the CNI configuration: a bridge with the machine's part of
// the pod network. Nothing is masqueraded: the other machines have routes.
func networkConfig(m *vm.Machine) string {
	return fmt.Sprintf(`{
  "cniVersion": "1.0.0",
  "name": "axolotl",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true, "ipMasq": false,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, vm.PodSubnet(m.Index))
}
