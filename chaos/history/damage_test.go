package history

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// filled makes a history with runs in it, all in the one file, closed.
func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		r := sampleRun(fmt.Sprintf("r%02d", i), t0.Add(time.Duration(i)))
		r.Reason = strings.Repeat("because ", 500)
		if err := db.EndRun(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// A damaged file is an error that says what to do, and stays as it is.
func TestDamagedFile(t *testing.T) {
	for name, damage := range map[string]func(data []byte) []byte{
		"torn":             func(data []byte) []byte { return data[:len(data)/2+100] },
		"torn at a page":   func(data []byte) []byte { return data[:len(data)/2/4096*4096] },
		"of another kind":  func([]byte) []byte { return []byte(strings.Repeat("this is no database\n", 1000)) },
		"header of zeroes": func(data []byte) []byte { return append(make([]byte, 100), data[100:]...) },
		"schema of zeroes": func(data []byte) []byte { return append(data[:100:100], append(make([]byte, 3996), data[4096:]...)...) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data = damage(data)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := Open(t.Context(), path)
			if err == nil {
				db.Close() //nolint:errcheck // it should not be open
			}
			var damaged *DamagedError
			if !errors.As(err, &damaged) || !strings.Contains(err.Error(), path+" is damaged") || !strings.Contains(err.Error(), "move it away") {
				t.Errorf("%v", err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data) {
				t.Errorf("the file was changed, %v", err)
			}
		})
	}
}

// Damage in the middle is found by whoever reads there, and by Check.
func TestDamagedPage(t *testing.T) {
	path := filled(t)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for page := sizeOf(t, path) / 4096 / 2; page < sizeOf(t, path)/4096; page++ {
		if _, err := file.WriteAt(bytes.Repeat([]byte{0xa5}, 4096), page*4096); err != nil {
			t.Fatal(err)
		}
	}
	db := openAt(t, path)
	var damaged *DamagedError
	if err := db.Check(t.Context()); !errors.As(err, &damaged) {
		t.Errorf("check: %v", err)
	}
	if _, err := db.Prune(t.Context(), Retention{MaxBytes: 1}); !errors.As(err, &damaged) {
		t.Errorf("prune: %v", err)
	}
	all, err := db.Runs(t.Context(), RunQuery{})
	if !errors.As(err, &damaged) {
		t.Errorf("%d runs, %v", len(all), err)
	}
}

// What a crash leaves of the write-ahead log: its torn end is as if it had
// never been written, and all before it is there.
func TestTornLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	db := openAt(t, path)
	for i := range 20 {
		if err := db.RecordFiring(t.Context(), Firing{Schedule: "s", Due: t0.Add(time.Duration(i)), Outcome: FiringMissed}); err != nil {
			t.Fatal(err)
		}
	}
	// A copy of an open one is what a power cut leaves.
	copied := filepath.Join(t.TempDir(), FileName)
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if suffix != "" {
			data = data[:len(data)-1000] // the last one's
		}
		if err := os.WriteFile(copied+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db = openAt(t, copied)
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if last, err := db.LastDue(t.Context(), "s"); err != nil || !last.Equal(t0.Add(18)) {
		t.Errorf("the last is %v, %v; want the 19th of 20", last, err)
	}
}
