package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// The image of a program has all that it needs: it runs in it.
func TestPackedProgramRuns(t *testing.T) {
	archived := filepath.Join(t.TempDir(), "sh.tar")
	file, err := os.Create(archived)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := Pack(file, "example/sh:1", "/bin/sh"); err != nil {
		t.Fatal(err)
	}
	a, err := openArchive(t.Context(), archived, "")
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	images, err := a.images()
	if err != nil || len(images) != 1 || images[0].refs[0] != "docker.io/example/sh:1" {
		t.Fatalf("%v, %v", images, err)
	}
	config, err := images[0].image.ConfigFile()
	if err != nil || config.Config.User != nobody || config.Config.Entrypoint[0] != "/axolotl" {
		t.Errorf("%+v, %v", config, err)
	}
	root := t.TempDir()
	layers, err := images[0].image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatal(layers, err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	extract(t, content, root)
	if os.Geteuid() != 0 {
		t.Skip("only root may change its root")
	}
	cmd := exec.CommandContext(t.Context(), "/axolotl", "-c", "echo it runs")
	cmd.SysProcAttr, cmd.Dir = &syscall.SysProcAttr{Chroot: root}, "/"
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Equal(out, []byte("it runs\n")) {
		t.Errorf("%s, %v", out, err)
	}
}

// extract puts the files of an archive into a directory.
func extract(t *testing.T, archive io.Reader, dir string) {
	t.Helper()
	for entries := tar.NewReader(archive); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, entry.Name)
		if entry.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			var data []byte
			if data, err = io.ReadAll(entries); err == nil {
				err = os.WriteFile(path, data, entry.FileInfo().Mode())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
