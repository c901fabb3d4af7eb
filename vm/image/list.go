package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"time"

	"axolotl/internal/store"
)

// Entry is one image in the cache.
type Entry struct {
	ID      string    `json:"id"`
	Dir     string    `json:"dir"`
	Current bool      `json:"current"` // the one that this axolotl makes
	Created time.Time `json:"created"`
	Bytes   int64     `json:"bytes"`            // that it takes on disk
	Damage  string    `json:"damage,omitempty"` // why it cannot be used
}

var imageID = regexp.MustCompile(`^[0-9a-f]{12}$`)

// List returns the images in the cache by their IDs, and then those of root's
// that an ordinary user has to read. With verify every byte is
// read, and what is damaged is marked so that it is made anew.
func List(home store.Home, verify bool) ([]Entry, error) {
	current, err := ID()
	if err != nil {
		return nil, err
	}
	entries, err := list(home, current, func(id string) error {
		if verify {
			return Verify(home, id)
		}
		return nil
	})
	root, ok := ofHost(home)
	if !ok || err != nil {
		return entries, err
	}
	theirs, err := list(root, current, func(id string) error {
		if !verify {
			return nil
		}
		if _, err := open(root, id, true); err != nil {
			return fmt.Errorf("%w; root makes it anew with 'axolotl image build --verify'", err)
		}
		return nil
	})
	return append(entries, theirs...), err
}

// list returns the images in one cache, each looked at by verify.
func list(home store.Home, current string, verify func(id string) error) ([]Entry, error) {
	names, err := os.ReadDir(imagesDir(home))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	entries := []Entry{}
	for _, name := range names {
		if !name.IsDir() || !imageID.MatchString(name.Name()) {
			continue
		}
		entry := Entry{ID: name.Name(), Dir: imageDir(home, name.Name()), Current: name.Name() == current}
		err := verify(entry.ID)
		image, openErr := open(home, entry.ID, false)
		switch {
		case err != nil:
			entry.Damage = err.Error()
		case openErr != nil:
			entry.Damage = openErr.Error()
		default:
			entry.Created = image.Manifest.Created
		}
		if entry.Bytes, err = store.DiskUsage(entry.Dir); err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}
