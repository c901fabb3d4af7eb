package libvirt

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"axolotl/vm"
	"axolotl/vm/controlplane"
)

// seeded are the files of each machine's seed, in a cluster of three control
// planes and two workers.
func seeded(t *testing.T) (*vm.Cluster, map[string]map[string]string) {
	t.Helper()
	c := planned(t)
	if err := fakeCredentials(t.Context(), "", c.Dir, kubeadmConfig(c)); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	for i := range c.Machines {
		m := &c.Machines[i]
		path := filepath.Join(t.TempDir(), "seed.tar")
		if err := writeSeed(path, c, m); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; it holds keys", m.Name, info.Mode(), err)
		}
		all[m.Name] = untar(t, path)
	}
	return c, all
}

func untar(t testing.TB, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	files, last := map[string]string{}, ""
	for archive := tar.NewReader(file); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		last = header.Name
		if header.Typeflag == tar.TypeDir {
			if header.Mode != 0o700 {
				t.Errorf("%s has mode %o", last, header.Mode)
			}
			continue
		}
		files[last] = string(data)
		if secret := strings.HasPrefix(last, "etc/kubernetes/") && last != "etc/kubernetes/kubelet.yaml"; secret && header.Mode != 0o600 {
			t.Errorf("%s has mode %o", last, header.Mode)
		}
	}
	// The initrd takes a root with it for seeded: it must come last.
	if last != "etc/axolotl/seeded" {
		t.Errorf("the last entry is %s", last)
	}
	return files
}

// The control planes of an emulated cluster begin with what was written for them
// on the host, each with its own, and nobody else does.
func TestSeedHasTheFirstObjects(t *testing.T) {
	const db = "var/lib/etcd/member/snap/db"
	for name, test := range map[string]struct {
		accel         string
		controlPlanes int
		want          map[string]string
	}{
		"emulated":     {AccelTCG, 1, map[string]string{"cp-1": "of https://10.88.0.11:2380"}},
		"not emulated": {AccelKVM, 1, nil},
		"several control planes": {AccelTCG, 3, map[string]string{
			"cp-1": "of https://10.88.0.11:2380, divided: https://10.88.0.11:2380",
			"cp-2": "of https://10.88.0.11:2380, divided: https://10.88.0.12:2380",
			"cp-3": "of https://10.88.0.11:2380, divided: https://10.88.0.13:2380",
		}},
		"several, not emulated": {AccelKVM, 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := spec(1)
			s.Accel, s.ControlPlanes = test.accel, test.controlPlanes
			w.must(w.up(w.options("c", s)))
			c := w.load("c")
			for _, m := range c.Machines {
				if got := untar(t, c.Path("machines", m.Name, seedFile))[db]; got != test.want[m.Name] {
					t.Errorf("%s begins with %q, want %q", m.Name, got, test.want[m.Name])
				}
			}
			if _, err := os.Stat(c.Path("first")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the host keeps what is in the seed: %v", err)
			}
		})
	}
}

// One that was killed in the middle is not taken for complete.
func TestFirstObjectsOfAKilledUp(t *testing.T) {
	killed := errors.New("killed")
	for name, spec := range map[string]vm.Spec{"one": spec(0), "several": three(0)} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			d := w.driver()
			d.first = func(ctx context.Context, s *controlplane.Server, kubeconfig string) error {
				if err := fakeFirst(ctx, s, kubeconfig); err != nil || several(&vm.Cluster{Spec: spec}) {
					return err
				}
				return killed
			}
			d.divide = func(ctx context.Context, etcdutl, data string, members []controlplane.Member) error {
				return errors.Join(fakeDivide(ctx, etcdutl, data, members[:2]), killed)
			}
			c := &vm.Cluster{Name: "c", ID: "1", Dir: t.TempDir(), Spec: spec}
			w.must(d.Plan(t.Context(), c))
			if err := d.beginCluster(t.Context(), "kubeadm", c, quiet.Start("first")); !errors.Is(err, killed) {
				t.Fatal(err)
			}
			for _, m := range c.Machines {
				if _, err := os.Stat(firstData(c, m.Name)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the seed of %s would take it", m.Name)
				}
			}
			w.must(w.driver().beginCluster(t.Context(), "kubeadm", c, quiet.Start("first")))
			for _, m := range c.Machines {
				if _, err := os.Stat(firstData(c, m.Name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Where one member has its seed, the others get theirs of the same beginning,
// whichever has it.
func TestFirstObjectsAreNotBegunTwice(t *testing.T) {
	w := newWorld(t)
	d := w.driver()
	c := &vm.Cluster{Name: "c", ID: "1", Dir: t.TempDir(), Spec: three(0)}
	w.must(d.Plan(t.Context(), c))
	w.must(d.beginCluster(t.Context(), "kubeadm", c, quiet.Start("first")))
	seed := c.Path("machines", "cp-2", seedFile)
	w.must(os.MkdirAll(filepath.Dir(seed), 0o755))
	w.must(os.WriteFile(seed, nil, 0o600))
	d.first = func(context.Context, *controlplane.Server, string) error { return errors.New("begun again") }
	w.must(d.beginCluster(t.Context(), "kubeadm", c, quiet.Start("first")))
	if _, err := os.Stat(firstData(c, "cp-3")); err != nil {
		t.Errorf("of what the others begin with: %v", err)
	}
}

// Where another Kubernetes of this host has the port, the machine begins itself.
func TestFirstObjectsWhereThePortIsTaken(t *testing.T) {
	w := newWorld(t)
	s := spec(0)
	s.Accel = AccelTCG
	d := w.driver()
	c := &vm.Cluster{Name: "c", ID: "1", Dir: t.TempDir(), Spec: s}
	w.must(d.Plan(t.Context(), c))
	other, err := net.Listen("tcp4", net.JoinHostPort(ownLoopback(c), strconv.Itoa(apiPort)))
	w.must(err)
	defer other.Close()
	w.must(d.beginCluster(t.Context(), "kubeadm", c, quiet.Start("first")))
	if _, err := os.Stat(firstData(c, "cp-1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was begun: %v", err)
	}
}

func environmentOf(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for line := range strings.Lines(files["etc/axolotl/node.env"]) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			t.Fatalf("line %q", line)
		}
		values[name] = strings.Trim(value, `"`)
	}
	return values
}

// Every machine knows itself, all members of etcd, and the way to the pods of
// every other one.
func TestSeedOfSeveralMachines(t *testing.T) {
	c, all := seeded(t)
	members := "cp-1=https://10.88.0.11:2380,cp-2=https://10.88.0.12:2380,cp-3=https://10.88.0.13:2380"
	subnets := map[string]string{}
	for _, m := range c.Machines {
		files := all[m.Name]
		env := environmentOf(t, files)
		for name, want := range map[string]string{
			"NODE_NAME": m.Name, "NODE_IP": m.Address, "CLUSTER_MEMBERS": members, "CLUSTER_STATE": "new",
			"SERVICE_CIDR": "10.96.0.0/16", "NODE_PORT_RANGE": "30000-30023", "LEADER_ELECT": "true",
			"MEMBER_HEARTBEAT_MS": "500", "MEMBER_ELECTION_MS": "5000",
			"LEADER_LEASE": "60s", "LEADER_RENEW": "45s", "LEADER_RETRY": "5s", "ETCD_HEALTH": "8s", "GOMAXPROCS": "1", // they are emulated
		} {
			if env[name] != want {
				t.Errorf("%s: %s=%q, want %q", m.Name, name, env[name], want)
			}
		}
		routes := strings.Fields(env["POD_ROUTES"])
		if len(routes) != len(c.Machines)-1 {
			t.Errorf("%s has routes %q", m.Name, routes)
		}
		for _, other := range c.Machines {
			if has := slices.Contains(routes, vm.PodSubnet(other.Index)+"="+other.Address); has != (other.Name != m.Name) {
				t.Errorf("%s has a route to the pods of %s: %t", m.Name, other.Name, has)
			}
			if !strings.Contains(files["etc/hosts"], other.Address+" "+other.Name+"\n") {
				t.Errorf("%s does not know the address of %s: %s", m.Name, other.Name, files["etc/hosts"])
			}
		}
		var network struct {
			Plugins []struct {
				IPAM struct{ Ranges [][]struct{ Subnet string } }
			}
		}
		if err := json.Unmarshal([]byte(files["etc/cni/net.d/10-axolotl.conflist"]), &network); err != nil {
			t.Fatal(err)
		}
		subnet := network.Plugins[0].IPAM.Ranges[0][0].Subnet
		if other, ok := subnets[subnet]; ok {
			t.Errorf("%s and %s have pods in %s", m.Name, other, subnet)
		}
		subnets[subnet] = m.Name
		if files["etc/hostname"] != m.Name+"\n" || files["etc/machine-id"] != strings.ReplaceAll(m.UUID, "-", "")+"\n" {
			t.Errorf("%s: hostname %q, machine ID %q", m.Name, files["etc/hostname"], files["etc/machine-id"])
		}
		// A machine gets its own credentials and no other one's.
		if files["etc/kubernetes/kubelet.conf"] != "of "+m.Name {
			t.Errorf("%s: kubelet.conf %q", m.Name, files["etc/kubernetes/kubelet.conf"])
		}
		for name, text := range files {
			if strings.Contains(text, "the authority of") {
				t.Errorf("%s holds the authority's key in %s", m.Name, name)
			}
		}
	}
}

// One control plane alone elects nobody.
func TestSeedOfOneControlPlane(t *testing.T) {
	c := planned(t)
	c.Machines = c.Machines[:1]
	c.Spec.Accel = AccelKVM
	env := environmentOf(t, map[string]string{"etc/axolotl/node.env": environment(c, &c.Machines[0])})
	if all, limited := env["GOMAXPROCS"]; limited {
		t.Errorf("not emulated, yet Go is to use %s of its CPUs", all)
	}
	for name, want := range map[string]string{
		"CLUSTER_MEMBERS": "cp-1=https://10.88.0.11:2380", "LEADER_ELECT": "false", "LEADER_LEASE": "15s", "LEADER_RENEW": "10s", "LEADER_RETRY": "2s", "ETCD_HEALTH": "2s", "MEMBER_HEARTBEAT_MS": "100", "POD_ROUTES": "",
	} {
		if env[name] != want {
			t.Errorf("%s=%q, want %q", name, env[name], want)
		}
	}
}

// A machine may be reading its seed: one that is there stays.
func TestSeedStays(t *testing.T) {
	c := planned(t)
	path := filepath.Join(t.TempDir(), "seed.tar")
	if err := os.WriteFile(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeSeed(path, c, &c.Machines[0]); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); string(data) != "first" {
		t.Errorf("it became %q", data)
	}
}

// The credentials of the host's own port and of every node are asked for.
func TestCredentialsAskedFor(t *testing.T) {
	c := planned(t)
	config := kubeadmConfig(c)
	if config.HostPort != c.APIPort || config.Endpoint != "127.0.0.1:7443" || len(config.Nodes) != 5 {
		t.Errorf("%+v", config)
	}
	c.Spec.ControlPlanes = 1
	if alone := kubeadmConfig(c); alone.Endpoint != c.Machines[0].Address+":6443" {
		t.Errorf("of one control plane: %+v", alone)
	}
	for i, node := range config.Nodes {
		if m := c.Machines[i]; node.Name != m.Name || node.Address != m.Address || node.ControlPlane != (m.Role == vm.ControlPlane) || node.Simulated {
			t.Errorf("%+v is asked for as %+v", m, node)
		}
	}
}
