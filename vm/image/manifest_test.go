package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axolotl/internal/store"
)

// fakeImage puts an image of three small files into a cache.
func fakeImage(t *testing.T, home store.Home, id string) *Image {
	t.Helper()
	dir := imageDir(home, id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	m := Manifest{ID: id, Created: imageTime, Files: map[string]digest{}}
	for _, name := range []string{kernelFile, initrdFile, rootFile} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("content of "+name), 0o644); err != nil {
			t.Fatal(err)
		}
		var err error
		if m.Files[name], err = measure(path, name == rootFile); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.write(dir); err != nil {
		t.Fatal(err)
	}
	image, err := Open(home, id)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func newHome(t *testing.T) store.Home {
	dir := t.TempDir()
	return store.Home{State: filepath.Join(dir, "state"), Cache: filepath.Join(dir, "cache")}
}

const someID = "0123456789ab"

func TestOpenWithoutImage(t *testing.T) {
	if _, err := Open(newHome(t), someID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want one that is fs.ErrNotExist", err)
	}
}

func TestOpenNoticesDamage(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 3) },
		"missing":   os.Remove,
		"altered":   func(path string) error { return alter(path, time.Now().Add(time.Hour)) },
	} {
		for _, file := range []string{kernelFile, initrdFile, rootFile} {
			t.Run(name+" "+file, func(t *testing.T) {
				home := newHome(t)
				image := fakeImage(t, home, someID)
				if err := damage(filepath.Join(image.Dir, file)); err != nil {
					t.Fatal(err)
				}
				_, err := Open(home, someID)
				if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "damaged") {
					t.Errorf("error %v, want one that says it is damaged", err)
				}
			})
		}
	}
}

// A copied cache has new times and the same content.
func TestOpenTakesNewTimes(t *testing.T) {
	home := newHome(t)
	image := fakeImage(t, home, someID)
	if err := os.Chtimes(image.Root, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(home, someID); err != nil {
		t.Error(err)
	}
}

// Bits that changed behind the file system's back show in a full check, and
// from then on the image is not used.
func TestVerify(t *testing.T) {
	home := newHome(t)
	image := fakeImage(t, home, someID)
	if err := Verify(home, someID); err != nil {
		t.Fatal(err)
	}
	if err := alter(image.Root, image.Manifest.Files[rootFile].ModTime); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(home, someID); err != nil {
		t.Fatalf("same size and time, yet: %v", err)
	}
	if err := Verify(home, someID); err == nil {
		t.Fatal("the full check found nothing")
	}
	if _, err := Open(home, someID); err == nil {
		t.Error("an image that was found damaged is used again")
	}
	entries, err := List(home, false)
	if err != nil || len(entries) != 1 || !strings.Contains(entries[0].Damage, rootFile) {
		t.Errorf("list says %+v, error %v", entries, err)
	}
}

// alter changes one byte and sets the time.
func alter(path string, modified time.Time) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[0] ^= 1
	return errors.Join(os.WriteFile(path, data, 0o644), os.Chtimes(path, modified, modified))
}
