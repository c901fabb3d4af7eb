package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/kubeadm"
)

// inherit is the action of copyCredentials.
func (s Store) inherit(c *vm.Cluster) vm.Action {
	return vm.Action{Name: "Take over the credentials", Run: func(context.Context, *term.Step) error {
		golden, err := s.openGolden(c.Golden, time.Now())
		if err != nil {
			return fmt.Errorf("golden snapshot %s: %w; take the cluster down and up again", c.Golden, err)
		}
		return copyCredentials(c, golden)
	}}
}

// copyCredentials gives a new cluster the credentials of the golden snapshot that it
// is restored from: its API server has them in memory. They lead to its own
// port.
func copyCredentials(c *vm.Cluster, g *Golden) error {
	for _, dir := range []string{kubeadm.SharedPKI(""), "nodes"} {
		to := c.Path(dir)
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		if err := os.CopyFS(to, os.DirFS(filepath.Join(g.Dir, dir))); err != nil {
			return fmt.Errorf("credentials of golden snapshot %s: %w", g.ID, err)
		}
	}
	config, err := clientcmd.LoadFromFile(kubeadm.AdminConf(g.Dir))
	if err != nil {
		return err
	}
	for _, server := range config.Clusters {
		server.Server = "https://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(c.APIPort))
	}
	data, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	return store.WriteFile(kubeadm.AdminConf(c.Dir), data, 0o600)
}
