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
		return copyCredentials(c, golden.Dir)
	}}
}

// credentialDirs are what a cluster's credentials are, beside admin.conf.
var credentialDirs = []string{kubeadm.SharedPKI(""), "nodes"}

// copyCredentials gives a cluster the credentials of the snapshot in the
// directory from: its API server has them in memory. They lead to the cluster's
// own port.
func copyCredentials(c *vm.Cluster, from string) error {
	for _, dir := range credentialDirs {
		to := c.Path(dir)
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		if err := store.CopyTree(to, filepath.Join(from, dir)); err != nil {
			return fmt.Errorf("credentials in %s: %w", from, err)
		}
	}
	config, err := clientcmd.LoadFromFile(kubeadm.AdminConf(from))
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
