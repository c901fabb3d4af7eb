package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/internal/store"
	"axolotl/vm"
)

// seal makes what looks like a golden snapshot, of a day.
func seal(t *testing.T, s Store, id string, created time.Time) string {
	t.Helper()
	dir := s.Home.Golden(id)
	building := dir + buildingSuffix
	if err := os.MkdirAll(building, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(building, "memory"), []byte("all that it knew"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sealGolden(&vm.Cluster{Dir: building}, id, dir); err != nil {
		t.Fatal(err)
	}
	var g Golden
	if err := store.ReadJSON(filepath.Join(dir, goldenFile), &g); err != nil {
		t.Fatal(err)
	}
	g.Created = created
	if err := store.WriteJSON(filepath.Join(dir, goldenFile), g); err != nil {
		t.Fatal(err)
	}
	return dir
}

func testStore(t *testing.T) Store {
	t.Helper()
	dir := t.TempDir()
	return Store{Home: store.Home{State: filepath.Join(dir, "state"), Cache: filepath.Join(dir, "cache")}}
}

// What was written, cut or removed after it was sealed, or is too old, is not
// used.
func TestOpenGolden(t *testing.T) {
	now := time.Now()
	memory := func(dir string) string { return filepath.Join(dir, "memory") }
	for _, test := range []struct {
		name    string
		created time.Time
		harm    func(dir string) error
		want    string // in the error; empty: it can be used
	}{
		{"whole", now.Add(-time.Hour), func(string) error { return nil }, ""},
		{"cut", now.Add(-time.Hour), func(dir string) error { return os.Truncate(memory(dir), 3) }, "damaged"},
		{"written", now.Add(-time.Hour), func(dir string) error {
			return os.Chtimes(memory(dir), time.Time{}, now.Add(time.Minute))
		}, "damaged"},
		{"removed", now.Add(-time.Hour), func(dir string) error { return os.Remove(memory(dir)) }, "damaged"},
		{"old", now.Add(-goldenAge - time.Hour), func(string) error { return nil }, "credentials"},
		{"of tomorrow", now.Add(24 * time.Hour), func(string) error { return nil }, "credentials"},
		{"record damaged", now.Add(-time.Hour), func(dir string) error {
			return os.WriteFile(filepath.Join(dir, goldenFile), []byte("{"), 0o600)
		}, "damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := testStore(t)
			if err := test.harm(seal(t, s, "abc", test.created)); err != nil {
				t.Fatal(err)
			}
			_, err := s.openGolden("abc", now)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	if _, err := testStore(t).openGolden("none", now); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
}

// The oldest unused ones go; what a cluster lies over stays, and so does what
// another process holds.
func TestBoundGoldens(t *testing.T) {
	s := testStore(t)
	now := time.Now()
	for i := range 8 { // g0 is the newest
		seal(t, s, fmt.Sprintf("g%d", i), now.Add(-time.Duration(i+1)*time.Hour))
	}
	if err := os.MkdirAll(s.Home.Cluster("user"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(&vm.Cluster{Name: "user", ID: "1", Golden: "g6", Dir: s.Home.Cluster("user")}); err != nil {
		t.Fatal(err)
	}
	lock, err := store.TryLock(s.Home.Golden("g7") + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock() //nolint:errcheck // the test is over
	if err := s.boundGoldens("g0"); err != nil {
		t.Fatal(err)
	}
	all, err := s.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, entry := range all {
		left = append(left, entry.ID)
	}
	if want := []string{"g0", "g1", "g2", "g3", "g6", "g7"}; !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}
