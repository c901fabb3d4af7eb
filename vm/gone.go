package vm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"axolotl/internal/store"
)

// Gone returns nil while the cluster is there, and else says that it was taken
// down since its record was read, whether or not another one was made by its
// name. Whoever waits for something in it need not wait any longer.
func (c *Cluster) Gone() error {
	if _, err := os.Stat(c.Dir); errors.Is(err, fs.ErrNotExist) {
		return &GoneError{c.Name}
	}
	var now struct{ ID string }
	if err := store.ReadJSON(c.Path(RecordFile), &now); err == nil && now.ID != c.ID {
		return &GoneError{c.Name}
	}
	return nil
}

// GoneError is that of work in a cluster that was taken down meanwhile.
type GoneError struct{ Cluster string }

func (e *GoneError) Error() string {
	return fmt.Sprintf("cluster %q was taken down meanwhile", e.Cluster)
}
