package image

import (
	"errors"
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

// List returns the images in the cache by their IDs. With verify every byte is
// read, and what is damaged is marked so that it is made anew.
func List(home store.Home, verify bool) ([]Entry, error) {
	current, err := ID()
	if err != nil {
		return nil, err
	}
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
		if verify {
			err = Verify(home, entry.ID)
		}
		image, openErr := Open(home, entry.ID)
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
