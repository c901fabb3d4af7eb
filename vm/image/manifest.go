package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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

// open returns the image that this axolotl makes. The error is fs.ErrNotExist
// where there is none; another one says what is damaged. Where full, every
// byte is read.
func open(home store.Home, full bool) (*Image, error) {
	id, err := ID()
	if err != nil {
		return nil, err
	}
	return openID(home, id, full)
}

func openID(home store.Home, id string, full bool) (*Image, error) {
	dir := imageDir(home, id)
	image := &Image{
		ID:     id,
		Dir:    dir,
		Kernel: filepath.Join(dir, kernelFile),
		Initrd: filepath.Join(dir, initrdFile),
		Root:   filepath.Join(dir, rootFile),
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
