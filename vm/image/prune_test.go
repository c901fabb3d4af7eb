package image

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/internal/store"
)

func TestPrune(t *testing.T) {
	home := newHome(t)
	current, err := ID()
	if err != nil {
		t.Fatal(err)
	}
	const used, locked, old = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"
	for _, id := range []string{current, used, locked, old} {
		fakeImage(t, home, id)
	}
	lock, err := store.TryLock(imageDir(home, locked) + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	program, err := Node.Path(home)
	if err != nil {
		t.Fatal(err)
	}
	ofHost, err := Etcdutl.Path(home)
	if err != nil {
		t.Fatal(err)
	}
	oldProgram := filepath.Join(binDir(home), "axolotl-node-000000000000")
	first, oldFirst := filepath.Dir(program)+FirstMark+"0123abcd", oldProgram+FirstMark+"0123abcd"
	building := filepath.Dir(program) + FirstMark + "89abcdef" + ".building" // by another process
	making, err := store.TryLock(strings.TrimSuffix(building, ".building") + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer making.Unlock()
	leftover := imageDir(home, current) + ".building"
	for _, path := range []string{program, ofHost, filepath.Join(oldProgram, "axolotl-node"), filepath.Join(leftover, rootFile), filepath.Join(first, "db"), filepath.Join(oldFirst, "db"), filepath.Join(building, "db"), basePath(home), basePath(home) + ".old"} {
		if err := store.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	want := []string{leftover, imageDir(home, old), oldProgram, oldFirst, basePath(home) + ".old"}
	inUse := InUse{Images: []string{used}}
	for _, dryRun := range []bool{true, false} {
		pruned, err := Prune(home, inUse, dryRun)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range pruned {
			got = append(got, p.Path)
			if _, err := os.Stat(p.Path); (err == nil) != dryRun {
				t.Errorf("dry run %t: stat %s: %v", dryRun, p.Path, err)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("dry run %t: pruned\n%q, want\n%q", dryRun, got, want)
		}
	}
	for _, path := range []string{imageDir(home, current), imageDir(home, used), imageDir(home, locked), program, first, building, ofHost, basePath(home)} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if pruned, err := Prune(home, inUse, false); err != nil || len(pruned) != 0 {
		t.Errorf("a second time: %v, error %v", pruned, err)
	}
}

func TestPruneKeepsProgramsInUse(t *testing.T) {
	home := newHome(t)
	old := filepath.Join(binDir(home), "kwok-000000000000")
	if err := store.WriteFile(filepath.Join(old, "kwok"), []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if pruned, err := Prune(home, InUse{Programs: true}, false); err != nil || len(pruned) != 0 {
		t.Errorf("pruned %v, error %v", pruned, err)
	}
}

// What a proof has left that was killed goes, and one that runs does not.
func TestPruneProbes(t *testing.T) {
	home := newHome(t)
	left, runs := filepath.Join(home.Cache, ProbePrefix+"1"), filepath.Join(home.Cache, ProbePrefix+"2")
	for _, dir := range []string{left, runs} {
		if err := store.WriteFile(filepath.Join(dir, "memory"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(left, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	pruned, err := Prune(home, InUse{}, false)
	if err != nil || len(pruned) != 1 || pruned[0].Path != left {
		t.Errorf("pruned %v, error %v", pruned, err)
	}
	_, gone := os.Stat(left)
	_, there := os.Stat(runs)
	if !os.IsNotExist(gone) || there != nil {
		t.Error(errors.Join(gone, there))
	}
}
