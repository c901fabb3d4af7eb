package local

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

// What clusters begin with is made once, made anew where it is damaged, and holds
// nothing of the authority that it was made with.
func TestFirstObjects(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the node binary, which may have to be built first")
	}
	t.Parallel()
	step := term.NewProgress(io.Discard, true).Start("")
	own, err := store.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	node, err := image.Node.Ensure(t.Context(), own, step)
	if err != nil {
		t.Fatal(err)
	}
	d := New(store.Home{State: t.TempDir(), Cache: t.TempDir()})
	first := func() (dir string, made os.FileInfo) {
		t.Helper()
		dir, err := d.firstObjects(t.Context(), node, step)
		if err != nil {
			t.Fatal(err)
		}
		if made, err = os.Stat(filepath.Dir(dir)); err != nil {
			t.Fatal(err)
		}
		return dir, made
	}
	dir, made := first()
	if _, again := first(); !os.SameFile(made, again) {
		t.Error("it was made twice")
	}
	database := filepath.Join(dir, "member", "snap", "db")
	data, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "BEGIN PRIVATE KEY") {
		t.Error("a key is in it")
	}
	if err := os.WriteFile(database, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, again := first(); os.SameFile(made, again) {
		t.Error("half a database was taken for whole")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(dir)), "*"))
	if err != nil || len(left) != 2 { // it, and its lock
		t.Errorf("left: %v, %v", left, err)
	}

	c := &vm.Cluster{Name: "c", Dir: t.TempDir()}
	half := c.Path(dataDir) + ".part/member" // of one that was killed while it copied
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.beginCluster(t.Context(), c, node, step); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(c.Path(dataDir, "ours"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.beginCluster(t.Context(), c, node, step); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Path(dataDir, "ours")); err != nil {
		t.Errorf("what a cluster has written is gone: %v", err)
	}
	with := &vm.Cluster{Name: "with", Dir: t.TempDir(), Spec: vm.Spec{APIServer: &vm.APIServer{EnableAdmissionPlugins: []string{"AlwaysPullImages"}}}}
	if err := d.beginCluster(t.Context(), with, node, step); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(with.Path(dataDir)); err == nil {
		t.Error("settings of its own were not heeded")
	}
}
