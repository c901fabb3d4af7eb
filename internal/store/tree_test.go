package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Keys stay keys: what a copy of a directory is, nobody else may read.
func TestCopyTree(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "new", "to")
	err := errors.Join(os.MkdirAll(filepath.Join(from, "pki"), 0o700), os.Mkdir(filepath.Join(from, "pki/etcd"), 0o750))
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]os.FileMode{"pki/ca.key": 0o600, "pki/ca.crt": 0o644, "pki/etcd/locked": 0o400}
	for path, mode := range modes {
		if err := os.WriteFile(filepath.Join(from, path), []byte(path), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := CopyTree(to, from); err != nil {
		t.Fatal(err)
	}
	modes["pki"], modes["pki/etcd"] = 0o700|os.ModeDir, 0o750|os.ModeDir
	for path, mode := range modes {
		info, err := os.Stat(filepath.Join(to, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), mode)
		}
		if data, err := os.ReadFile(filepath.Join(to, path)); !info.IsDir() && (err != nil || string(data) != path) {
			t.Errorf("%s holds %q (%v)", path, data, err)
		}
	}
	if err := CopyTree(to, from); err == nil {
		t.Error("it was copied over what was there")
	}
	if err := os.Symlink("ca.key", filepath.Join(from, "pki", "link")); err != nil {
		t.Fatal(err)
	}
	if err := CopyTree(to+"2", from); err == nil {
		t.Error("a link was taken for a file")
	}
}
