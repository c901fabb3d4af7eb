package cluster

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"axolotl/internal/term"
	"axolotl/vm"
)

// A kept snapshot outlives the process that saved it, is one at a time, and
// goes when it is deleted, whatever a killed process left of it.
func TestKeptSnapshot(t *testing.T) {
	s, c := snapshotable(t)
	driver := &saving{}
	open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
	kept := func() *Kept { return s.Kept("c", "lab", open, term.NewProgress(io.Discard, true)) } // each as another process
	if err := kept().Delete(); err != nil {
		t.Errorf("there is none yet: %v", err)
	}
	for range 2 {
		if err := kept().Save(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := SweepTemporary(c); err != nil {
		t.Error(err)
	}
	if names := held(t, c); !slices.Equal(names, []string{"lab.kept"}) {
		t.Fatalf("kept are %v", names)
	}
	if err := validateSnapshot("lab.kept"); err == nil {
		t.Error("a person can give that name")
	}

	driver.fails = true
	if err := kept().Save(t.Context()); err == nil || len(held(t, c)) > 0 {
		t.Errorf("could not be saved: %v, %v are left", err, held(t, c))
	}
	driver.fails = false
	if err := errors.Join(kept().Save(t.Context()), os.MkdirAll(c.Path(snapshotsDir, "lab.kept"+savingSuffix, "half"), 0o755)); err != nil {
		t.Fatal(err)
	}
	c.Phase, c.Snapshot = vm.PhaseRestoring, "lab.kept"
	if err := s.Save(c); err != nil {
		t.Fatal(err)
	}
	if err := kept().Delete(); err == nil || !strings.Contains(err.Error(), "axolotl up c") {
		t.Errorf("while it is being restored from: %v", err)
	}
	c.Phase = vm.PhaseUp
	if err := errors.Join(s.Save(c), kept().Delete()); err != nil || len(held(t, c)) > 0 {
		t.Errorf("deleted: %v, %v are left", err, held(t, c))
	}
	if err := os.RemoveAll(c.Dir); err != nil {
		t.Fatal(err)
	}
	if err := kept().Delete(); err != nil {
		t.Errorf("of a cluster that was taken down: %v", err)
	}
}

// What upper floors know of a cluster outlives a restore: what must be undone
// in it, and the lab that goes back by it.
func TestOutlivesARestore(t *testing.T) {
	_, c := snapshotable(t)
	for _, name := range append([]string{"disks"}, outliving...) {
		if err := os.WriteFile(c.Path(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := emptied(c, outliving...).Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{vm.RecordFile}, outliving...) {
		if _, err := os.Stat(c.Path(name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(c.Path("disks")); err == nil {
		t.Error("the disks are left")
	}
}
