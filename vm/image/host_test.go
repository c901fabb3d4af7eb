package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// hostHome is the home of a user beside whose cache there is root's, and that one.
func hostHome(t *testing.T) (user, root store.Home) {
	user, root = newHome(t), newHome(t)
	user.HostCache = root.Cache
	return user, root
}

// An ordinary user reads root's image where he has none that can be used, and
// never writes there, whatever is wrong with it.
func TestImageOfRoot(t *testing.T) {
	user, root := hostHome(t)
	theirs := fakeImage(t, root, someID)
	assertFrom := func(dir string) {
		t.Helper()
		img, err := Open(user, someID)
		if err != nil {
			t.Fatal(err)
		}
		if img.Dir != dir {
			t.Errorf("image in %s, want %s", img.Dir, dir)
		}
	}
	assertFrom(theirs.Dir)
	own := fakeImage(t, store.Home{Cache: user.Cache}, someID)
	assertFrom(own.Dir)
	if err := os.Truncate(own.Root, 1); err != nil {
		t.Fatal(err)
	}
	assertFrom(theirs.Dir)

	entries, err := List(user, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].Dir != own.Dir || entries[0].Damage == "" || entries[1].Dir != theirs.Dir || entries[1].Damage != "" {
		t.Errorf("listed: %+v", entries)
	}
	if err := alter(theirs.Kernel, theirs.Manifest.Files[kernelFile].ModTime); err != nil {
		t.Fatal(err)
	}
	entries, err = List(user, true)
	if err != nil {
		t.Fatal(err)
	}
	if damage := entries[1].Damage; !strings.Contains(damage, "root makes it anew") {
		t.Errorf("damage of root's: %q", damage)
	}
	if _, err := os.Stat(filepath.Join(theirs.Dir, damageFile)); err == nil {
		t.Error("a user has written into root's cache")
	}
	pruned, err := Prune(user, InUse{}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pruned {
		if strings.HasPrefix(p.Path, root.Cache) {
			t.Errorf("%s was pruned, which is root's", p.Path)
		}
	}
}

// So with programs, whose notes everybody may read.
func TestProgramOfRoot(t *testing.T) {
	user, root := hostHome(t)
	theirs, err := Node.Path(root)
	if err != nil {
		t.Fatal(err)
	}
	if path, err := Node.Find(user); err == nil || !strings.HasPrefix(path, user.Cache) {
		t.Errorf("%s, %v before there is any", path, err)
	}
	if err := store.WriteFile(theirs, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := noteDigest(theirs); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(digestPath(theirs))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o644 {
		t.Errorf("the note's mode is %04o", info.Mode().Perm())
	}
	path, err := Node.Ensure(t.Context(), user, term.NewProgress(t.Output(), true).Start("get it"))
	if err != nil || path != theirs {
		t.Errorf("%s, %v, want %s", path, err, theirs)
	}
	if err := os.Truncate(theirs, 1); err != nil {
		t.Fatal(err)
	}
	if path, err := Node.Find(user); err == nil {
		t.Errorf("%s is damaged, and found", path)
	}
}
