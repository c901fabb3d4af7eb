package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"axolotl/chaos/schedule"
	"axolotl/internal/store"
	"axolotl/vm/cluster"
)

// Keep says that the machines of a cluster are watched, and within which
// limits they are recreated. The words are those of Cluster API's
// MachineHealthCheck, which does the same for others' machines.
type Keep struct {
	Cluster string `json:"cluster"`
	// UnhealthyTimeout is how long a machine must be unhealthy, without a
	// break, before anything is done.
	UnhealthyTimeout schedule.Duration `json:"unhealthyTimeout"`
	// MaxRecreations is the most recreations within Window; then a person has
	// to see to it.
	MaxRecreations int               `json:"maxRecreations"`
	Window         schedule.Duration `json:"window"`
}

// Defaults of a Keep.
const (
	DefaultUnhealthyTimeout = 2 * time.Minute
	DefaultMaxRecreations   = 3
	DefaultKeepWindow       = time.Hour
)

// Validate returns what is wrong with it.
func (k Keep) Validate() error {
	err := cluster.ValidateName(k.Cluster)
	if k.UnhealthyTimeout.Std() < time.Second || k.Window <= 0 || k.MaxRecreations < 1 {
		err = errors.Join(err, errors.New("the timeout must be 1s or more, the window longer than nothing, and the recreations 1 or more"))
	}
	return err
}

// Keeps are the clusters on this host whose machines are watched.
type Keeps struct{ dir string }

// KeepsAt returns those under a home.
func KeepsAt(home store.Home) Keeps { return Keeps{filepath.Join(home.State, "keep")} }

func (k Keeps) path(name string) string { return filepath.Join(k.dir, name+".json") }

// Set has a cluster watched.
func (k Keeps) Set(keep Keep) error {
	if err := keep.Validate(); err != nil {
		return err
	}
	return store.WriteJSON(k.path(keep.Cluster), keep)
}

// Remove has a cluster watched no more. One that is not is success.
func (k Keeps) Remove(name string) error {
	if err := cluster.ValidateName(name); err != nil {
		return err
	}
	return store.RemoveFile(k.path(name))
}

// List returns all, by name. Those that cannot be read are in the error,
// beside the others.
func (k Keeps) List() ([]Keep, error) {
	all := []Keep{} // not nil: it is printed as JSON
	entries, err := os.ReadDir(k.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	errs := []error{err}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), ".json")
		if !ok {
			continue
		}
		var keep Keep
		err := store.ReadJSON(k.path(name), &keep)
		if err == nil && keep.Cluster != name {
			err = fmt.Errorf("%s is of cluster %q", k.path(name), keep.Cluster)
		}
		if err == nil {
			err = keep.Validate()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w; see 'axolotl keep %s'", err, name))
			continue
		}
		all = append(all, keep)
	}
	return all, errors.Join(errs...)
}
