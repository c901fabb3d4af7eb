package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// busyboxArchive is an archive of the busybox image and its twin by another
// name, made of a fake busybox.
func busyboxArchive(t *testing.T) []byte {
	t.Helper()
	base := &base{busybox: []byte("ELF"), applets: []byte("busybox\nsh\nls\n")}
	var refs []string
	var images []v1.Image
	for _, ref := range []string{BusyboxImage, "docker.io/axolotl/twin:1"} {
		c := container{ref: ref, cmd: []string{"sh"}, user: nobody, ports: []string{"80/tcp"}}
		layer, err := c.layer(t.Context(), newHome(t), base, nil)
		if err != nil {
			t.Fatal(err)
		}
		image, err := ociImage(c, layer)
		if err != nil {
			t.Fatal(err)
		}
		refs, images = append(refs, ref), append(images, image)
	}
	var archive bytes.Buffer
	if err := writeArchive(&archive, refs, images); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func TestArchiveIsDeterministic(t *testing.T) {
	if !bytes.Equal(busyboxArchive(t), busyboxArchive(t)) {
		t.Error("two runs give two archives")
	}
}

func TestArchiveLoads(t *testing.T) {
	dir := unpack(t, busyboxArchive(t))
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	// NOTE: fast, for the full check takes every layer for a compressed one.
	if err := validate.Index(index, validate.Fast); err != nil {
		t.Error(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 2 {
		t.Fatalf("%d images", len(manifest.Manifests))
	}
	first := manifest.Manifests[0]
	if got := first.Annotations[containerdName]; got != BusyboxImage {
		t.Errorf("named %q", got)
	}
	image, err := index.Image(first.Digest)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if blob, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", config.RootFS.DiffIDs[0].Hex)); err != nil {
		t.Error(err)
	} else if hash, _, err := v1.SHA256(bytes.NewReader(blob)); err != nil || hash != config.RootFS.DiffIDs[0] {
		t.Errorf("the layer has digest %s, error %v", hash, err)
	}
	if config.OS != "linux" || config.Config.User != nobody || len(config.Config.ExposedPorts) != 1 {
		t.Errorf("configuration %+v", config)
	}
}

func TestBadImageName(t *testing.T) {
	if _, err := ociImage(container{ref: "axolotl/PING"}, nil); err == nil {
		t.Error("a name with capitals passes")
	}
}

// unpack writes the files of an archive into a directory.
func unpack(t *testing.T, archive []byte) string {
	t.Helper()
	dir := t.TempDir()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, header.Name)
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			var data []byte
			if data, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, data, 0o644)
			}
		}
		if err != nil || strings.Contains(header.Name, "..") {
			t.Fatalf("%s: %v", header.Name, err)
		}
	}
}
