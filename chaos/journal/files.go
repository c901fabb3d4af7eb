package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"axolotl/internal/store"
)

// files are entries as files of one directory, each with a lock beside it.
type files struct{ dir string }

// At returns the journal in a directory, which need not exist.
func At(dir string) *Journal { return In(files{dir}) }

func (f files) path(id string) string { return filepath.Join(f.dir, id+".json") }
func (f files) lock(id string) string { return filepath.Join(f.dir, id+".lock") }

// Hold implements Place, by a lock that the kernel frees when the process ends.
func (f files) Hold(id string) (Hold, error) {
	if err := f.there(); err != nil {
		return nil, err
	}
	lock, err := store.TryLock(f.lock(id))
	if err != nil {
		return nil, err
	}
	return lock, nil
}

// Holder implements Place.
func (f files) Holder(id string) (*store.Holder, error) {
	if _, err := os.Stat(f.lock(id)); errors.Is(err, os.ErrNotExist) {
		return nil, nil // undone; or else a lock would be made for it
	}
	lock, err := store.TryLock(f.lock(id))
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return &locked.Holder, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, lock.Unlock()
}

// there holds where the cluster has not been taken down: nothing of one that
// was is to come back.
func (f files) there() error {
	if _, err := os.Stat(filepath.Dir(f.dir)); err != nil {
		return fmt.Errorf("journal: %w; the cluster is gone", err)
	}
	return nil
}

// Begin implements Place.
func (f files) Begin(e Entry) error { return f.Write(e) }

// Write implements Place. The directory is there since the entry is held;
// where it is gone, the cluster was taken down meanwhile.
func (f files) Write(e Entry) error {
	if _, err := os.Stat(f.dir); err != nil {
		return err
	}
	return store.WriteJSON(f.path(e.ID), e)
}

// Read implements Place.
func (f files) Read(id string) (Entry, error) {
	var e Entry
	if err := store.ReadJSON(f.path(id), &e); err != nil {
		return e, fmt.Errorf("journal entry %q: %w; see what it names, undo that by hand, and remove the file", id, err)
	}
	return e, nil
}

// Remove implements Place.
func (f files) Remove(id string) error { return store.RemoveFile(f.path(id)) }

// IDs implements Place.
func (f files) IDs() ([]string, error) {
	entries, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var ids []string
	for _, entry := range entries {
		if id, ok := strings.CutSuffix(entry.Name(), ".json"); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
