package kubeadm

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm/image"
)

// nodeBinary is the real one, from the cache.
func nodeBinary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the node binary, which may have to be built first")
	}
	home, err := store.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	path, err := image.Node.Ensure(t.Context(), home, term.NewProgress(io.Discard, true).Start("node"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func testConfig() Config {
	return Config{
		ClusterName: "lab", KubernetesVersion: image.KubernetesVersion,
		ServiceSubnet: "10.96.0.0/16", PodSubnet: "10.244.0.0/16",
		Endpoint: "10.11.0.1:6443", HostPort: 21000, BindPort: 6443,
		SANs: []string{"api.lab.test"}, EtcdSANs: []string{"10.11.0.9"},
		Nodes: []Node{
			{Name: "lab-1", Address: "10.11.0.1", ControlPlane: true},
			{Name: "lab-2", Address: "10.11.0.2", ControlPlane: true},
			{Name: "lab-3", Address: "10.11.0.3"},
		},
	}
}

func makeAll(t *testing.T, program, dir string, config Config) {
	t.Helper()
	if err := Make(t.Context(), program, dir, config); err != nil {
		t.Fatal(err)
	}
}

func certificate(t *testing.T, data []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(data)
	if block == nil {
		t.Fatalf("no PEM in %q", data)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// verify checks a certificate against an authority of the cluster.
func verify(t *testing.T, dir, authority string, leaf *x509.Certificate, usage x509.ExtKeyUsage) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(certificate(t, read(t, SharedPKI(dir), authority)))
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
		t.Errorf("%s: %v", leaf.Subject, err)
	}
}

func TestMake(t *testing.T) {
	dir := t.TempDir()
	makeAll(t, nodeBinary(t), dir, testConfig())
	t.Run("serving certificates", func(t *testing.T) { servingCertificates(t, dir) })
	t.Run("kubeconfigs", func(t *testing.T) { kubeconfigs(t, dir) })
	t.Run("private files", func(t *testing.T) { privateFiles(t, dir) })
}

func servingCertificates(t *testing.T, dir string) {
	for _, node := range testConfig().Nodes[:2] {
		pki := filepath.Join(NodeDir(dir, node.Name), "pki")
		api := certificate(t, read(t, pki, "apiserver.crt"))
		verify(t, dir, "ca.crt", api, x509.ExtKeyUsageServerAuth)
		for _, name := range []string{"127.0.0.1", "localhost", "kubernetes.default.svc", "10.96.0.1", "api.lab.test", node.Name, node.Address} {
			if err := api.VerifyHostname(name); err != nil {
				t.Errorf("API server of %s: %v", node.Name, err)
			}
		}
		for _, file := range []string{"etcd/server.crt", "etcd/peer.crt"} {
			etcd := certificate(t, read(t, pki, file))
			verify(t, dir, "etcd/ca.crt", etcd, x509.ExtKeyUsageServerAuth)
			for _, name := range []string{"127.0.0.1", "localhost", "10.11.0.9", node.Address} {
				if err := etcd.VerifyHostname(name); err != nil {
					t.Errorf("%s of %s: %v", file, node.Name, err)
				}
			}
		}
		verify(t, dir, "etcd/ca.crt", certificate(t, read(t, pki, "apiserver-etcd-client.crt")), x509.ExtKeyUsageClientAuth)
		verify(t, dir, "front-proxy-ca.crt", certificate(t, read(t, pki, "front-proxy-client.crt")), x509.ExtKeyUsageClientAuth)
	}
}

func kubeconfigs(t *testing.T, dir string) {
	for _, tt := range []struct{ file, server, name, group string }{
		{"admin.conf", "https://127.0.0.1:21000", "kubernetes-super-admin", "system:masters"},
		{"nodes/lab-1/kubelet.conf", "https://10.11.0.1:6443", "system:node:lab-1", "system:nodes"},
		{"nodes/lab-3/kubelet.conf", "https://10.11.0.1:6443", "system:node:lab-3", "system:nodes"},
		{"nodes/lab-3/kube-proxy.conf", "https://10.11.0.1:6443", "system:kube-proxy", ""},
		{"nodes/lab-2/controller-manager.conf", "https://10.11.0.2:6443", "system:kube-controller-manager", ""},
		{"nodes/lab-2/scheduler.conf", "https://10.11.0.2:6443", "system:kube-scheduler", ""},
	} {
		config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, tt.file))
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if config.Host != tt.server {
			t.Errorf("%s leads to %s, want %s", tt.file, config.Host, tt.server)
		}
		leaf := certificate(t, config.CertData)
		verify(t, dir, "ca.crt", leaf, x509.ExtKeyUsageClientAuth)
		if leaf.Subject.CommonName != tt.name || strings.Join(leaf.Subject.Organization, ",") != tt.group {
			t.Errorf("%s is for %s, want CN=%s, O=%s", tt.file, leaf.Subject, tt.name, tt.group)
		}
	}
}

// privateFiles: keys are for their owner only, and a worker has none of an
// authority.
func privateFiles(t *testing.T, dir string) {
	for path := range tree(t, dir) {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		secret := strings.HasSuffix(path, ".key") || strings.HasSuffix(path, ".conf")
		if secret && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if strings.HasPrefix(path, "nodes/lab-3/") && strings.HasSuffix(path, ".key") {
			t.Errorf("a worker has %s", path)
		}
		if strings.Contains(path, ".making") {
			t.Errorf("left over: %s", path)
		}
	}
}

// tree returns the files under dir with their contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[name] = string(read(t, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func changed(before, after map[string]string) []string {
	var names []string
	for name, content := range after {
		if before[name] != content {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestRerun(t *testing.T) {
	program, dir := nodeBinary(t), t.TempDir()
	config := testConfig()
	makeAll(t, program, dir, config)
	before := tree(t, dir)

	t.Run("changes nothing", func(t *testing.T) {
		makeAll(t, program, dir, config)
		if names := changed(before, tree(t, dir)); names != nil {
			t.Errorf("changed: %q", names)
		}
	})
	t.Run("completes what is missing", func(t *testing.T) {
		for _, name := range []string{"nodes/lab-2", "nodes/lab-3", "admin.conf"} {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		// as a run that was killed leaves it
		if err := os.MkdirAll(filepath.Join(dir, "nodes/.lab-2.making/pki"), 0o700); err != nil {
			t.Fatal(err)
		}
		makeAll(t, program, dir, config)
		after := tree(t, dir)
		if len(after) != len(before) {
			t.Errorf("%d files, were %d", len(after), len(before))
		}
		for _, name := range changed(before, after) {
			if strings.HasPrefix(name, "pki/") || strings.HasPrefix(name, "nodes/lab-1/") {
				t.Errorf("changed: %s", name)
			}
		}
	})
	t.Run("follows another configuration", func(t *testing.T) {
		config.HostPort, config.Endpoint = 21001, "10.11.0.2:6443"
		config.SANs = append(config.SANs, "other.lab.test")
		makeAll(t, program, dir, config)
		api := certificate(t, read(t, NodeDir(dir, "lab-1"), "pki/apiserver.crt"))
		verify(t, dir, "ca.crt", api, x509.ExtKeyUsageServerAuth)
		if err := api.VerifyHostname("other.lab.test"); err != nil {
			t.Error(err)
		}
		admin, err := clientcmd.BuildConfigFromFlags("", AdminConf(dir))
		if err != nil || admin.Host != "https://"+net.JoinHostPort("127.0.0.1", "21001") {
			t.Errorf("admin leads to %v, %v", admin, err)
		}
		for _, name := range changed(before, tree(t, dir)) {
			if strings.HasPrefix(name, "pki/") {
				t.Errorf("changed: %s", name)
			}
		}
	})
}

// Where each node has a way of its own to all API servers, what runs on each
// node takes that one; what there is one of for every control plane does not.
func TestKubeconfigsOfGateways(t *testing.T) {
	dir, config := t.TempDir(), testConfig()
	config.Endpoint = "127.0.0.1:7443"
	makeAll(t, nodeBinary(t), dir, config)
	for file, want := range map[string]string{
		"admin.conf":                          "https://127.0.0.1:21000",
		"nodes/lab-1/kubelet.conf":            "https://127.0.0.1:7443",
		"nodes/lab-2/kubelet.conf":            "https://127.0.0.1:7443",
		"nodes/lab-2/kube-proxy.conf":         "https://127.0.0.1:7443",
		"nodes/lab-3/kubelet.conf":            "https://127.0.0.1:7443",
		"nodes/lab-3/kube-proxy.conf":         "https://127.0.0.1:7443",
		"nodes/lab-1/scheduler.conf":          "https://10.11.0.1:6443",
		"nodes/lab-2/controller-manager.conf": "https://10.11.0.2:6443",
	} {
		leads, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, file))
		if err != nil || leads.Host != want {
			t.Errorf("%s leads to %+v, %v, want %s", file, leads, err, want)
		}
	}
	api := certificate(t, read(t, NodeDir(dir, "lab-2"), "pki", "apiserver.crt"))
	if err := api.VerifyHostname("127.0.0.1"); err != nil {
		t.Error(err)
	}
}

func TestSimulatedNode(t *testing.T) {
	dir, config := t.TempDir(), testConfig()
	config.Nodes = []Node{{Name: "lab-1", Address: "10.11.0.1", ControlPlane: true, Simulated: true}}
	makeAll(t, nodeBinary(t), dir, config)
	if _, err := os.Stat(filepath.Join(NodeDir(dir, "lab-1"), "kubelet.conf")); err == nil {
		t.Error("a simulated node has a kubelet.conf")
	}
}

func TestErrors(t *testing.T) {
	change := func(f func(*Config)) Config { c := testConfig(); f(&c); return c }
	for name, tt := range map[string]struct {
		config Config
		want   string
	}{
		"endpoint":      {change(func(c *Config) { c.Endpoint = "nonsense" }), "no host:port"},
		"loopback":      {change(func(c *Config) { c.Nodes[0].Address = "127.0.0.1" }), "not loopback"},
		"control plane": {change(func(c *Config) { c.Nodes = c.Nodes[2:] }), "no control-plane node"},
		"program":       {testConfig(), "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Make(t.Context(), "/nonexistent/axolotl-node", t.TempDir(), tt.config)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("what kubeadm says", func(t *testing.T) {
		config := change(func(c *Config) { c.ServiceSubnet = "10.96.0.0" })
		err := Make(t.Context(), nodeBinary(t), t.TempDir(), config)
		if err == nil || !strings.Contains(err.Error(), "10.96.0.0") {
			t.Errorf("error is %v", err)
		}
	})
}
