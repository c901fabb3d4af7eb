package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A cache may be shared by several state directories, as of one user who sets
// XDG_STATE_HOME for some of his clusters. What is in use there is not to be pruned
// here, so each state directory is noted in the cache before anything in it needs
// what the cache holds.

// statesDir holds a file for each state directory, with its path.
func (h Home) statesDir() string { return filepath.Join(h.Cache, "states") }

// NoteState notes in the cache that the clusters of this state directory use it.
func (h Home) NoteState() error {
	if !filepath.IsAbs(h.Cache) { // or the note would be wherever somebody stands
		return fmt.Errorf("the cache directory %q is no absolute path", h.Cache)
	}
	state, err := filepath.Abs(h.State)
	if err != nil {
		return err
	}
	if err := makeDir(h.Clusters()); err != nil { // or the note would be of nothing, see Sharing
		return err
	}
	sum := sha256.Sum256([]byte(state))
	note := filepath.Join(h.statesDir(), hex.EncodeToString(sum[:8]))
	if had, err := os.ReadFile(note); err == nil && string(had) == state {
		return nil
	}
	return WriteFile(note, []byte(state), 0o600)
}

// Sharing are the homes with this cache: this one, and those of other state
// directories. The notes of those that are gone are removed. The error says that it
// cannot be told what is in use.
func (h Home) Sharing() ([]Home, error) {
	homes := []Home{h}
	notes, err := os.ReadDir(h.statesDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	own, err := filepath.Abs(h.State)
	if err != nil {
		return nil, err
	}
	for _, note := range notes {
		path := filepath.Join(h.statesDir(), note.Name())
		state, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile, as below
			continue
		}
		if err != nil {
			return nil, err
		}
		if string(state) == own || !filepath.IsAbs(string(state)) { // no note of ours is relative
			continue
		}
		other := h
		other.State = string(state)
		if _, err := os.Stat(other.State); errors.Is(err, fs.ErrNotExist) {
			if err := RemoveFile(path); err != nil {
				return nil, err
			}
			continue
		}
		if _, err := os.ReadDir(other.Clusters()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("what the clusters there use cannot be told: %w; if there are none any more, remove %s", err, path)
		}
		homes = append(homes, other)
	}
	return homes, nil
}
