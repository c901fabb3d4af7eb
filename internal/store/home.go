// Package store keeps what must outlive a process: directories, files that
// are either whole or not there, and locks that free themselves.
//
// Any room may use it; it knows none of them.
package store

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/adrg/xdg"
)

// HomeVariable names the environment variable that puts everything axolotl
// keeps under one directory.
const HomeVariable = "AXOLOTL_HOME"

// Home is where axolotl keeps things. State is what a cluster is lost without;
// Cache is what can be made again. Nothing of ours is kept anywhere else,
// except the contexts merged into the user's kubeconfig.
type Home struct {
	State string
	Cache string

	// HostCache is root's cache, which an ordinary user reads what can be used
	// as it is from, and never writes. Empty: there is none, or this is root.
	HostCache string
}

// hostCache is where root's cache is.
const hostCache = "/var/cache/axolotl"

// FindHome returns AXOLOTL_HOME where that is set, the XDG directories for an
// ordinary user, and /var/lib and /var/cache for root: there QEMU runs as a
// user of its own, who cannot enter /root.
func FindHome() (Home, error) {
	if dir := os.Getenv(HomeVariable); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return Home{}, fmt.Errorf("%s=%q: %w", HomeVariable, dir, err)
		}
		return Home{State: filepath.Join(abs, "state"), Cache: filepath.Join(abs, "cache"), HostCache: readableHostCache()}, nil
	}
	home := Home{
		State:     filepath.Join(xdg.StateHome, "axolotl"),
		Cache:     filepath.Join(xdg.CacheHome, "axolotl"),
		HostCache: readableHostCache(),
	}
	if os.Geteuid() == 0 {
		if os.Getenv("XDG_STATE_HOME") == "" {
			home.State = "/var/lib/axolotl"
		}
		if os.Getenv("XDG_CACHE_HOME") == "" {
			home.Cache = hostCache
		}
	}
	return home, nil
}

// readableHostCache is root's cache for whoever is not root. What nobody but
// root can have put there is trusted as root is.
func readableHostCache() string {
	info, err := os.Stat(hostCache)
	if os.Geteuid() == 0 || err != nil || !ofRootOnly(info) {
		return ""
	}
	return hostCache
}

// ofRootOnly tells whether only root can write a file or directory.
func ofRootOnly(info os.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && owner.Uid == 0 && info.Mode().Perm()&0o022 == 0
}

// Clusters is the directory that holds one directory for each cluster.
func (h Home) Clusters() string { return filepath.Join(h.State, "clusters") }

// Cluster is the state directory of the cluster with this name.
func (h Home) Cluster(name string) string { return filepath.Join(h.Clusters(), name) }

// Goldens is the directory that holds one directory for each golden snapshot.
func (h Home) Goldens() string { return filepath.Join(h.Cache, "golden") }

// Golden is the directory of the golden snapshot with this ID.
func (h Home) Golden(id string) string { return filepath.Join(h.Goldens(), id) }
