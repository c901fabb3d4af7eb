package cluster

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"axolotl/internal/disktest"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Nothing gives way for a snapshot that has no room.
func TestSnapshotWithoutRoom(t *testing.T) {
	s, _ := snapshotable(t)
	driver := &saving{bytes: 1 << 60}
	open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
	quiet := term.NewProgress(io.Discard, true)
	if _, err := s.SaveSnapshot(t.Context(), "c", "before", open, quiet); err != nil {
		t.Fatal(err)
	}
	_, err := s.RestoreSnapshot(t.Context(), "before", UpOptions{Name: "c", Open: open}, quiet)
	if err == nil || !strings.Contains(err.Error(), "takes 1099511627776 MiB when it is restored") {
		t.Errorf("error %v", err)
	}
	if now, err := s.Load("c"); err != nil || now.Phase != vm.PhaseUp {
		t.Errorf("the cluster is %+v, %v", now, err)
	}
}

// What gives way is room.
func TestRoomOfWhatGivesWay(t *testing.T) {
	s := Store{Home: store.Home{State: disktest.Small(t)}}
	c := &vm.Cluster{Name: "c", ID: "1", Dir: s.Home.Cluster("c")}
	if err := store.WriteFile(c.Path("machines", "cp-1", "root.qcow2"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	shot := &Snapshot{Name: "before", dir: c.Path(snapshotsDir, "before")}
	if err := hasRoom(c, &saving{bytes: 3 << 19}, shot); err != nil {
		t.Error(err)
	}
	if err := hasRoom(c, &saving{bytes: 5 << 19}, shot); err == nil {
		t.Error("there is room for more than the disk has")
	}
}

// Whoever completes a restore looks as whoever began it: it may be another build.
func TestRestoreIsCompletedOnlyWhereItFits(t *testing.T) {
	s, c := snapshotable(t)
	driver := &saving{}
	open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
	quiet := term.NewProgress(io.Discard, true)
	if _, err := s.SaveSnapshot(t.Context(), "c", "before", open, quiet); err != nil {
		t.Fatal(err)
	}
	driver.bytes = 1 << 60
	c.BeginRestoring("before")
	if err := errors.Join(s.Save(c), store.WriteFile(c.Path("disk"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := s.Up(t.Context(), UpOptions{Name: "c", AsIs: true, Open: open}, quiet)
	if err == nil || !strings.Contains(err.Error(), "'axolotl recreate c'") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(c.Path("disk")); err != nil {
		t.Errorf("it gave way: %v", err)
	}
}
