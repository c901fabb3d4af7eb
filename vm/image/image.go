// Package image makes the node image: what a virtual machine of a cluster
// boots and runs. That is a kernel, an initrd and a root file system with
// Debian, containerd, Kubernetes and every container image that labs need, so
// that a cluster comes up with no registry and no network at all. It also
// makes the programs in it, which the local driver runs as they are.
//
// All of it is addressed by the hash of what goes into it, made once, and
// never written again. Drivers and commands may use this room; it knows
// neither clusters nor machines.
package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// Image is a node image on disk. Its files are readable by everybody, since
// QEMU may run as another user, and must never be written: machines write to
// overlays.
type Image struct {
	ID       string // the first 12 hex digits of the hash of all inputs
	Dir      string
	Kernel   string // path of a bzImage, booted directly
	Initrd   string // path of an uncompressed cpio archive
	Root     string // path of a raw ext4 image, the first disk of a machine
	Manifest Manifest
}

// The files of an image.
const (
	kernelFile   = "vmlinuz"
	initrdFile   = "initrd.cpio"
	rootFile     = "root.ext4"
	manifestFile = "manifest.json"
)

// Steps runs named pieces of long work; *term.Progress shows each as a step.
type Steps interface {
	Do(name string, fn func(*term.Step) error) error
}

// Within shows pieces of work as the status of one step that is under way.
func Within(step *term.Step) Steps { return within{step} }

type within struct{ step *term.Step }

func (w within) Do(name string, fn func(*term.Step) error) error {
	w.step.Status("%s", name)
	if err := fn(w.step); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Ensure returns the image that this axolotl makes, and makes it where it is
// missing or damaged: minutes, the first time. One process at a time makes it,
// others wait. An error or the end of ctx leaves nothing that counts as an
// image; what was finished of its parts is used by the next call.
func Ensure(ctx context.Context, home store.Home, steps Steps) (*Image, error) {
	id, err := ID()
	if err != nil {
		return nil, err
	}
	image, damage := Open(home, id)
	if damage == nil {
		return image, nil
	}
	name := "node image " + id
	if !errors.Is(damage, fs.ErrNotExist) {
		name += fmt.Sprintf(" must be made anew: %v", damage)
	}
	dir := imageDir(home, id)
	var lock *store.Lock
	err = steps.Do(name, func(step *term.Step) (err error) {
		lock, err = waitLock(ctx, dir+".lock", "the node image", step)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	if image, err := Open(home, id); err == nil {
		return image, nil // whoever had the lock has made it
	}
	b := &build{home: home, id: id, temp: dir + ".building"}
	defer os.RemoveAll(b.temp)
	for _, action := range b.actions() {
		err := steps.Do(action.Name, func(step *term.Step) error { return action.Run(ctx, step) })
		if err != nil {
			return nil, fmt.Errorf("node image: %w", err)
		}
	}
	return Open(home, id)
}

// imageDir is where the image with this ID lies.
func imageDir(home store.Home, id string) string { return filepath.Join(imagesDir(home), id) }

func imagesDir(home store.Home) string { return filepath.Join(home.Cache, "images") }
