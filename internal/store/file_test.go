package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "file")
	for _, perm := range []fs.FileMode{0o644, 0o600} { // also where the file was readable by others
		for _, text := range []string{"a long first text", "short", ""} {
			if err := WriteFile(path, []byte(text), perm); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil || string(data) != text {
				t.Errorf("%q, %v, want %q", data, err, text)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != perm {
				t.Errorf("mode %v, %v, want %v", info.Mode(), err, perm)
			}
		}
	}
	assertOnly(t, filepath.Dir(path), "file")
}

// What was there stays where the new one cannot be written, and no temporary
// file is left.
func TestWriteFileThatFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("text"), 0o600); err == nil {
		t.Error("no error for a directory of that name")
	}
	assertOnly(t, dir, "taken")
	if err := WriteJSON(filepath.Join(dir, "value"), func() {}); err == nil || !strings.Contains(err.Error(), "encode") {
		t.Errorf("a function as JSON: %v", err)
	}
	assertOnly(t, dir, "taken")
}

func assertOnly(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("%s holds %v, %v; want %s only", dir, entries, err, name)
	}
}

func TestJSON(t *testing.T) {
	type record struct {
		Name string
		Many []int
	}
	path := filepath.Join(t.TempDir(), "record.json")
	want := record{"a", []int{1, 2}}
	if err := WriteJSON(path, want); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	var got record
	if err := ReadJSON(path, &got); err != nil || got.Name != want.Name || len(got.Many) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.Truncate(path, 9); err != nil {
		t.Fatal(err)
	}
	if err := ReadJSON(path, &got); err == nil || !strings.Contains(err.Error(), path+" is damaged") {
		t.Errorf("truncated: %v", err)
	}
	if err := ReadJSON(path+".not", &got); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestRemoveFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{path, path, filepath.Join(path+"-dir", "file")} {
		if err := RemoveFile(gone); err != nil {
			t.Errorf("%s: %v", gone, err)
		}
		if _, err := os.Stat(gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v", gone, err)
		}
	}
}

// A directory that is made for a file is as safe from a power cut as the file: the
// first entry of a journal is in one, and its lock is made before it.
func TestDirectoriesThatAreMadeAreSynced(t *testing.T) {
	dir := t.TempDir()
	var synced []string
	syncs = func(path string) error {
		synced = append(synced, strings.TrimPrefix(path, dir))
		return Sync(path)
	}
	defer func() { syncs = Sync }()
	want := func(what, all string) {
		t.Helper()
		if got := strings.Join(synced, " "); got != all {
			t.Errorf("%s: %q was synced, want %q", what, got, all)
		}
		synced = nil
	}
	for range 2 {
		if err := WriteFile(filepath.Join(dir, "a", "b", "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if synced[0] == "" {
			want("a file in a new directory", " /a /a/b")
		}
	}
	want("another one there", "/a/b")
	lock, err := TryLock(filepath.Join(dir, "journal", "id.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if len(synced) != 1 { // of the directory that the new one is in, whose name here is ""
		t.Errorf("a lock in a new directory: %q was synced", synced)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}
