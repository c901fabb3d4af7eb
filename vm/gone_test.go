package vm

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"axolotl/internal/store"
)

// Whoever waits for a lock of a cluster that is taken down meanwhile is told so, and
// its directory stays away.
func TestLockOfAClusterThatGoes(t *testing.T) {
	c := &Cluster{Name: "c", ID: "1", Dir: filepath.Join(t.TempDir(), "c")}
	if err := store.WriteJSON(c.Path(RecordFile), c); err != nil {
		t.Fatal(err)
	}
	lock, err := c.TryLock("addons", "a.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock() //nolint:errcheck // the test is over
	looks := 0
	_, err = store.Await(t.Context(), func() (*store.Lock, error) { return c.TryLock("addons", "a.lock") }, func(*store.LockedError) {
		if looks++; looks > 1 {
			if err := os.RemoveAll(c.Dir); err != nil {
				t.Fatal(err)
			}
		}
	})
	var gone *GoneError
	if !errors.As(err, &gone) || looks != 2 {
		t.Errorf("after %d looks: %v", looks, err)
	}
	if _, err := os.Stat(c.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its directory: %v", err)
	}

	// Another one of its name is not its own.
	if err := store.WriteJSON(c.Path(RecordFile), &Cluster{Name: "c", ID: "2"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.TryLock("addons", "b.lock"); !errors.As(err, &gone) {
		t.Errorf("in another one: %v", err)
	}
}
