package store

import (
	"os"
	"path/filepath"
	"testing"
)

// sparseFile makes a file of 8 MiB with one byte set, the rest a hole or zeros.
func sparseFile(t *testing.T, at int64, hole bool) string {
	t.Helper()
	const size = 8 << 20
	path := filepath.Join(t.TempDir(), "disk")
	var data []byte
	if !hole {
		data = make([]byte, size)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{1}, at); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSparseHash(t *testing.T) {
	hash := func(at int64, hole bool) string {
		sum, err := FileSHA256(sparseFile(t, at, hole), true)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	const at = 5<<20 + 17
	if hash(at, true) != hash(at, false) {
		t.Error("a hole and zeros give two hashes")
	}
	if hash(at, true) == hash(at+64<<10, true) {
		t.Error("data in another block gives the same hash")
	}
	if hash(at, true) == hash(at+1, true) {
		t.Error("other data gives the same hash")
	}
}
