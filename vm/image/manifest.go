package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"axolotl/internal/store"
)

// Manifest says what an image is made of.
type Manifest struct {
	ID         string            `json:"id"`
	Created    time.Time         `json:"created"`
	Inputs     map[string]string `json:"inputs"`     // name to SHA-256
	Packages   map[string]string `json:"packages"`   // Debian package to version
	Containers []string          `json:"containers"` // names of the container images inside
	Files      map[string]digest `json:"files"`
}

// write writes the manifest into an image's directory, readable by everybody.
func (m Manifest) write(dir string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return store.WriteFile(filepath.Join(dir, manifestFile), append(data, '\n'), 0o644)
}

// RootDigest names the bytes of the root file system. It is not the ID, which names
// what they are made of: one that is made again has other times in it.
func (i *Image) RootDigest() string { return i.Manifest.Files[rootFile].SHA256 }

// damageFile holds what a full check found, in an image that must not be used
// any more.
const damageFile = "damaged"

// Open returns the image with this ID. The error is fs.ErrNotExist where there
// is none; another one says what is damaged. Files whose size and time are as
// noted count as whole. Where the user's cache has none that can be used, root's
// may have one.
func Open(home store.Home, id string) (*Image, error) {
	image, err := open(home, id, false)
	if root, ok := ofHost(home); ok && err != nil {
		if theirs, err := open(root, id, false); err == nil {
			return theirs, nil
		}
	}
	return image, err
}

// Verify reads every byte of the image with this ID. What it finds damaged is
// never used again, whatever its size and time; Ensure makes it anew.
func Verify(home store.Home, id string) error {
	_, err := open(home, id, true)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	note := filepath.Join(imageDir(home, id), damageFile)
	return errors.Join(err, store.WriteFile(note, []byte(err.Error()), 0o644))
}

func open(home store.Home, id string, full bool) (*Image, error) {
	dir := imageDir(home, id)
	image := &Image{
		ID:     id,
		Dir:    dir,
		Kernel: filepath.Join(dir, kernelFile),
		Initrd: filepath.Join(dir, initrdFile),
		Root:   filepath.Join(dir, rootFile),
	}
	if note, err := os.ReadFile(filepath.Join(dir, damageFile)); err == nil {
		return nil, errors.New(string(note))
	}
	if err := store.ReadJSON(filepath.Join(dir, manifestFile), &image.Manifest); err != nil {
		return nil, err
	}
	for _, name := range []string{kernelFile, initrdFile, rootFile} {
		noted, ok := image.Manifest.Files[name]
		if !ok {
			return nil, fmt.Errorf("node image %s is damaged: its manifest has no %s", id, name)
		}
		err := noted.check(filepath.Join(dir, name), full)
		if errors.Is(err, fs.ErrNotExist) {
			// Not ErrNotExist: the image is there, and a part of it is not.
			return nil, fmt.Errorf("node image %s is damaged: %s is missing", id, name)
		}
		if err != nil {
			return nil, err
		}
	}
	return image, nil
}
