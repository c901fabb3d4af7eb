package kubeadm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/clientcmd"

	"axolotl/internal/store"
)

// Make makes what is missing of the credentials of a cluster under dir, with
// the node binary program. Authorities that exist are kept, so that what they
// signed stays good. Each part is made aside and put in place by one rename:
// there is all of it or nothing. A part that was made for another
// configuration is made anew.
func Make(ctx context.Context, program, dir string, config Config) error {
	if err := config.validate(); err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	m := &maker{kubeadm: command{program: program}, dir: dir, config: config}
	if err := m.authorities(ctx); err != nil {
		return fmt.Errorf("make the authorities: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU() + 1)
	group.Go(func() error {
		if err := m.admin(ctx); err != nil {
			return fmt.Errorf("make %s: %w", AdminConf(dir), err)
		}
		return nil
	})
	for _, node := range config.Nodes {
		group.Go(func() error {
			if err := m.node(ctx, node); err != nil {
				return fmt.Errorf("make the credentials of node %q: %w", node.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// MakeNode makes the credentials of one more node of a cluster whose others are
// under dir. Those stay as they are.
func MakeNode(ctx context.Context, program, dir string, config Config, name string) error {
	if err := config.validate(); err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	m := &maker{kubeadm: command{program: program}, dir: dir, config: config}
	for _, node := range config.Nodes {
		if node.Name == name {
			if err := m.node(ctx, node); err != nil {
				return fmt.Errorf("make the credentials of node %q: %w", name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("credentials: cluster %q has no node %q", config.ClusterName, name)
}

type maker struct {
	kubeadm command
	dir     string
	config  Config
}

// authorityFiles are what every control plane shares.
var authorityFiles = []string{
	"ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key",
	"etcd/ca.crt", "etcd/ca.key", "sa.key", "sa.pub",
}

// authorities makes dir/pki. One run of kubeadm makes all of them, and is
// quicker than one for each; what it signs by the way is dropped.
func (m *maker) authorities(ctx context.Context) error {
	return m.place(SharedPKI(m.dir), nil, func(temp string) error {
		all := filepath.Join(temp, "all")
		config, err := m.config.render(m.firstControlPlane(), all, m.config.Endpoint)
		if err != nil {
			return err
		}
		if _, err := m.kubeadm.run(ctx, config, "init", "phase", "certs", "all"); err != nil {
			return err
		}
		if err := copyFiles(all, temp, authorityFiles); err != nil {
			return err
		}
		return os.RemoveAll(all)
	})
}

// admin makes the host user's kubeconfig. It is kubeadm's super-admin, a
// member of system:masters, not its admin: that one has rights only once a
// ClusterRoleBinding was made in the running cluster, so a cluster in which
// somebody broke RBAC on purpose could not be looked at or mended any more.
// The file never leaves the host.
func (m *maker) admin(ctx context.Context) error {
	server := "https://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(m.config.HostPort))
	authority, err := os.ReadFile(filepath.Join(SharedPKI(m.dir), "ca.crt"))
	if err != nil {
		return err
	}
	if leadsTo(AdminConf(m.dir), server, authority) {
		return nil
	}
	config, err := m.config.render(m.firstControlPlane(), SharedPKI(m.dir), strings.TrimPrefix(server, "https://"))
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(m.dir, ".admin.*.making")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if _, err := m.kubeadm.run(ctx, config, "init", "phase", "kubeconfig", "super-admin", "--kubeconfig-dir", temp); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(temp, "super-admin.conf"))
	if err != nil {
		return err
	}
	return store.WriteFile(AdminConf(m.dir), data, 0o600)
}

// leadsTo tells whether a kubeconfig is for this server and authority.
func leadsTo(path, server string, authority []byte) bool {
	config, err := clientcmd.LoadFromFile(path)
	if err != nil || config.Contexts[config.CurrentContext] == nil {
		return false
	}
	cluster := config.Clusters[config.Contexts[config.CurrentContext].Cluster]
	return cluster != nil && cluster.Server == server && bytes.Equal(cluster.CertificateAuthorityData, authority)
}

// node makes dir/nodes/NODE.
func (m *maker) node(ctx context.Context, node Node) error {
	final := NodeDir(m.dir, node.Name)
	inputs, err := m.config.render(node, filepath.Join(final, "pki"), m.config.Endpoint)
	if err != nil {
		return err
	}
	return m.place(final, inputs, func(temp string) error {
		pki := filepath.Join(temp, "pki")
		if !node.ControlPlane {
			pki = SharedPKI(m.dir) // signs here; a worker gets no authority's key
		}
		config, err := m.config.render(node, pki, m.config.Endpoint)
		if err != nil {
			return err
		}
		files := authorityFiles
		if !node.ControlPlane {
			files = []string{"ca.crt"}
		}
		if err := copyFiles(SharedPKI(m.dir), filepath.Join(temp, "pki"), files); err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		phase := func(args ...string) {
			group.Go(func() error {
				_, err := m.kubeadm.run(ctx, config, append([]string{"init", "phase"}, args...)...)
				return err
			})
		}
		if node.ControlPlane {
			phase("certs", "all")
			phase("kubeconfig", "all", "--kubeconfig-dir", temp)
		}
		// Not by kubeadm's phase of the kubelet: that leads to the API server of
		// the same node, and is lost with it.
		var kubelet, proxy []byte
		user := func(out *[]byte, args ...string) {
			group.Go(func() (err error) {
				*out, err = m.kubeadm.run(ctx, config, append([]string{"kubeconfig", "user"}, args...)...)
				return err
			})
		}
		if !node.Simulated {
			user(&kubelet, "--client-name", "system:node:"+node.Name, "--org", "system:nodes")
			user(&proxy, "--client-name", "system:kube-proxy")
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if err := removeFiles(temp, unwanted(node)); err != nil || node.Simulated {
			return err
		}
		return errors.Join(os.WriteFile(filepath.Join(temp, "kubelet.conf"), kubelet, 0o600),
			os.WriteFile(filepath.Join(temp, "kube-proxy.conf"), proxy, 0o600))
	})
}

// unwanted are files that kubeadm makes for a node and that this one does not
// use. Full rights stay on the host.
func unwanted(node Node) []string {
	var files []string
	if node.ControlPlane {
		files = append(files, "admin.conf", "super-admin.conf", "kubelet.conf")
	}
	return files
}

func (m *maker) firstControlPlane() Node {
	for _, node := range m.config.Nodes {
		if node.ControlPlane {
			return node
		}
	}
	return Node{} // validate has seen to it that there is one
}

// inputsFile notes in a directory what it was made for.
const inputsFile = "kubeadm.yaml"

// place calls fill with a temporary directory beside final and renames it to
// final, unless final is there and was made for the same inputs. Where inputs
// is nil, whatever is there stays.
func (m *maker) place(final string, inputs []byte, fill func(temp string) error) error {
	if inputs == nil {
		if _, err := os.Stat(final); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	} else if have, err := os.ReadFile(filepath.Join(final, inputsFile)); err == nil && bytes.Equal(have, inputs) {
		return nil
	}
	temp := filepath.Join(filepath.Dir(final), "."+filepath.Base(final)+".making")
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return err
	}
	if err := fill(temp); err != nil {
		return err
	}
	if inputs != nil {
		if err := os.WriteFile(filepath.Join(temp, inputsFile), inputs, 0o600); err != nil {
			return err
		}
	}
	if err := syncTree(temp); err != nil {
		return err
	}
	if err := os.RemoveAll(final); err != nil {
		return err
	}
	if err := os.Rename(temp, final); err != nil {
		return err
	}
	return store.Sync(filepath.Dir(final))
}
