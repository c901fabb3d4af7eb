// Package store keeps what must outlive a process: directories, files that
// are either whole or not there, and locks that free themselves.
//
// Any room may use it; it knows none of them.
package store

import (
	"fmt"
	"os"
	"path/filepath"

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
}

// FindHome returns AXOLOTL_HOME where that is set, the XDG directories for an
// ordinary user, and /var/lib and /var/cache for root: there QEMU runs as a
// user of its own, who cannot enter /root.
func FindHome() (Home, error) {
	if dir := os.Getenv(HomeVariable); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return Home{}, fmt.Errorf("%s=%q: %w", HomeVariable, dir, err)
		}
		return Home{State: filepath.Join(abs, "state"), Cache: filepath.Join(abs, "cache")}, nil
	}
	home := Home{
		State: filepath.Join(xdg.StateHome, "axolotl"),
		Cache: filepath.Join(xdg.CacheHome, "axolotl"),
	}
	if os.Geteuid() == 0 {
		if os.Getenv("XDG_STATE_HOME") == "" {
			home.State = "/var/lib/axolotl"
		}
		if os.Getenv("XDG_CACHE_HOME") == "" {
			home.Cache = "/var/cache/axolotl"
		}
	}
	return home, nil
}

// Clusters is the directory that holds one directory for each cluster.
func (h Home) Clusters() string { return filepath.Join(h.State, "clusters") }

// Cluster is the state directory of the cluster with this name.
func (h Home) Cluster(name string) string { return filepath.Join(h.Clusters(), name) }

// Goldens is the directory that holds one directory for each golden snapshot.
func (h Home) Goldens() string { return filepath.Join(h.Cache, "golden") }

// Golden is the directory of the golden snapshot with this ID.
func (h Home) Golden(id string) string { return filepath.Join(h.Goldens(), id) }
