package store

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestCopySparse(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	const size = 20<<20 + 77
	want := make([]byte, size)
	copy(want[5000:], "first")
	copy(want[9<<20:], "second")
	copy(want[size-4:], "last")
	f, err := os.OpenFile(from, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{5000, 9 << 20, size - 4} {
		if _, err := f.WriteAt(want[at:min(at+6, size)], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	// Zeros that were written become holes, too.
	if _, err := f.WriteAt(make([]byte, 1<<20), 12<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, bytes.Repeat([]byte{7}, size+9000), 0o600); err != nil {
		t.Fatal(err) // an older copy is replaced
	}
	if err := CopySparse(t.Context(), to, from); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the copy differs")
	}
	info, err := os.Stat(to)
	if err != nil {
		t.Fatal(err)
	}
	if used := info.Sys().(*syscall.Stat_t).Blocks * 512; used > 1<<20 {
		t.Errorf("the copy takes %d bytes on disk, for three pages of data", used)
	}
}
