package cluster

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// saving is a driver whose machines are one file.
type saving struct {
	vm.Driver
	fails bool
	bytes uint64 // that a restore would write
}

func (*saving) Name() string { return "saving" }

// Nodes whose leases cannot be seen are saved all the same.
func (*saving) Traits() vm.Traits { return vm.Traits{RealMachines: true} }
func (*saving) Hardware() string  { return "played" }

func (*saving) Fits(*vm.Cluster, string) error { return nil }

func (s *saving) LoadBytes(*vm.Cluster, string) (uint64, error) { return s.bytes, nil }

func (*saving) Down(*vm.Cluster) []vm.Action { return nil }

func (*saving) Load(context.Context, *vm.Cluster, string, *term.Step) (time.Time, []string, error) {
	return time.Time{}, nil, nil
}
func (s *saving) Save(_ context.Context, _ *vm.Cluster, dir string, _ *term.Step) error {
	err := os.WriteFile(filepath.Join(dir, "memory"), []byte("all that it knew"), 0o600)
	if s.fails {
		err = errors.New("the disk is full")
	}
	return err
}

var _ vm.Saver = (*saving)(nil)

// snapshotable is a cluster that is up, in a store.
func snapshotable(t *testing.T) (Store, *vm.Cluster) {
	t.Helper()
	s := testStore(t)
	c := &vm.Cluster{Name: "c", ID: "1", Phase: vm.PhaseUp, Dir: s.Home.Cluster("c")}
	for _, dir := range credentialDirs {
		if err := os.MkdirAll(c.Path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(c.Kubeconfig(), nil, 0o600), s.Save(c)); err != nil {
		t.Fatal(err)
	}
	return s, c
}

// held are the names among a cluster's snapshots.
func held(t *testing.T, c *vm.Cluster) []string {
	t.Helper()
	entries, err := os.ReadDir(c.Path(snapshotsDir))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// A temporary snapshot is one at a time, and goes when it is deleted, when it
// could not be saved, and when its process was killed at any point.
func TestTemporarySnapshot(t *testing.T) {
	s, c := snapshotable(t)
	driver := &saving{}
	open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
	quiet := term.NewProgress(io.Discard, true)
	shot, err := s.SaveTemporary(t.Context(), "c", open, quiet)
	if err != nil {
		t.Fatal(err)
	}
	var locked *store.LockedError
	if _, err := s.SaveTemporary(t.Context(), "c", open, quiet); !errors.As(err, &locked) || !strings.Contains(err.Error(), "pid") {
		t.Errorf("a second one: %v", err)
	}
	if err := SweepTemporary(c); err != nil {
		t.Error(err)
	}
	if names := held(t, c); !slices.Equal(names, []string{temporaryLock, temporaryName}) {
		t.Fatalf("of a process at work: %v", names)
	}
	if all, err := s.Snapshots("c"); err != nil || len(all) != 1 || all[0].Damage != "" {
		t.Errorf("listed are %+v, %v", all, err)
	}
	if err := shot.Delete(); err != nil {
		t.Error(err)
	}
	if names := held(t, c); len(names) > 0 {
		t.Errorf("deleted: %v are left", names)
	}

	driver.fails = true
	if _, err := s.SaveTemporary(t.Context(), "c", open, quiet); err == nil || len(held(t, c)) > 0 {
		t.Errorf("could not be saved: %v, %v are left", err, held(t, c))
	}

	driver.fails = false
	if shot, err = s.SaveTemporary(t.Context(), "c", open, quiet); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.Path(snapshotsDir, temporaryName+savingSuffix, "half"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := shot.lock.Unlock(); err != nil { // as the end of the process does
		t.Fatal(err)
	}
	c.Phase, c.Snapshot = vm.PhaseRestoring, temporaryName
	if err := SweepTemporary(c); err == nil || !strings.Contains(err.Error(), "axolotl up c") || len(held(t, c)) != 3 {
		t.Errorf("while it is being restored from: %v, %v are left", err, held(t, c))
	}
	c.Phase = vm.PhaseUp
	if err := SweepTemporary(c); err != nil || len(held(t, c)) > 0 {
		t.Errorf("after a kill: %v, %v are left", err, held(t, c))
	}
	if err := SweepTemporary(c); err != nil {
		t.Error(err)
	}
}

// What ran on other hardware is not restored, and nothing gives way for it.
func TestSnapshotOfOtherHardware(t *testing.T) {
	s, c := snapshotable(t)
	driver := &saving{}
	open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
	quiet := term.NewProgress(io.Discard, true)
	if _, err := s.SaveSnapshot(t.Context(), "c", "before", open, quiet); err != nil {
		t.Fatal(err)
	}
	shot, err := s.snapshot(c, "before")
	if err != nil {
		t.Fatal(err)
	}
	shot.Hardware = "of last year"
	if err := store.WriteJSON(filepath.Join(shot.dir, snapshotFile), shot); err != nil {
		t.Fatal(err)
	}
	_, err = s.RestoreSnapshot(t.Context(), "before", UpOptions{Name: "c", Open: open}, quiet)
	if err == nil || !strings.Contains(err.Error(), "machines have other hardware") {
		t.Errorf("error %v", err)
	}
	if now, err := s.Load("c"); err != nil || now.Phase != vm.PhaseUp {
		t.Errorf("the cluster is %+v, %v", now, err)
	}
}
