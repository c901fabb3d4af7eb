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

// TryLock takes a lock whose file is in the cluster's state directory, or returns a
// *store.LockedError at once. Of a cluster that was taken down nothing is brought back
// by it: the error is a *GoneError then.
func (c *Cluster) TryLock(elem ...string) (*store.Lock, error) {
	lock, err := store.TryLockIn(c.Dir, elem...)
	if gone := c.Gone(); gone != nil {
		if err == nil {
			_ = lock.Unlock() // it may be in the next one of this name
		}
		return nil, gone
	}
	return lock, err
}

// GoneError is that of work in a cluster that was taken down meanwhile.
type GoneError struct{ Cluster string }

func (e *GoneError) Error() string {
	return fmt.Sprintf("cluster %q was taken down meanwhile", e.Cluster)
}
