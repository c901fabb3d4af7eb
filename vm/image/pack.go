package image

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Self is the name of the image that Pack makes of this program.
const Self = "docker.io/axolotl/axolotl:latest"

// authorities are the certificates that this host trusts, for who speaks to
// servers outside.
const authorities = "/etc/ssl/certs/ca-certificates.crt"

// Pack writes an archive with the image of a program under a name, to be loaded
// into machines. The image holds the program, the libraries that it needs to
// start, where it is not static, and nothing else: no shell, and no library that
// it only loads when it uses it, such as libvirt's.
func Pack(w io.Writer, ref, program string) error {
	ref, err := fullName(ref)
	if err != nil {
		return err
	}
	var layer bytes.Buffer
	tree := newTreeTar(&layer)
	tree.dir("tmp", 0o1777)
	tree.file("etc/passwd", 0o644, []byte("nobody:x:65532:65532:nobody:/:/bin/false\n"))
	if data, err := os.ReadFile(authorities); err == nil {
		tree.file(authorities[1:], 0o644, data)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	libraries, err := librariesOf(program)
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	for _, library := range libraries {
		tree.copy(library[1:], 0o755, library)
	}
	tree.copy("axolotl", 0o755, program)
	if err := tree.Close(); err != nil {
		return err
	}
	image, err := ociImage(container{ref: ref, user: nobody, entrypoint: []string{"/axolotl"}}, layer.Bytes())
	if err != nil {
		return err
	}
	return writeArchive(w, []string{ref}, []v1.Image{image})
}

// libraryDirs are where a loader looks, on Debian and its kin first.
var libraryDirs = []string{"/lib/*-linux-gnu", "/usr/lib/*-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}

// librariesOf are the loader of a program and all libraries that it, or one of
// them, is linked with, by the paths under which the loader finds them. A static
// program has none.
func librariesOf(program string) ([]string, error) {
	var all []string
	for pending := []string{program}; len(pending) > 0; pending = pending[1:] {
		file, err := elf.Open(pending[0])
		if err != nil {
			return nil, err
		}
		needed, err := file.ImportedLibraries()
		if loader := file.Section(".interp"); err == nil && loader != nil {
			var path []byte
			path, err = loader.Data()
			needed = append(needed, strings.TrimRight(string(path), "\x00"))
		}
		file.Close() //nolint:errcheck // it was only read
		if err != nil {
			return nil, err
		}
		for _, name := range needed {
			path, err := find(name)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(all, path) {
				all, pending = append(all, path), append(pending, path)
			}
		}
	}
	return all, nil
}

// find is where a library lies.
func find(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, dir := range libraryDirs {
		if found, _ := filepath.Glob(filepath.Join(dir, name)); len(found) > 0 { // the pattern is good
			return found[0], nil
		}
	}
	return "", fmt.Errorf("library %s is not in %s; build the program without cgo (CGO_ENABLED=0)", name, strings.Join(libraryDirs, ", "))
}
