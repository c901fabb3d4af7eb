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

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// hosted is a driver that says at which hosts it was asked to take something down.
type hosted struct {
	salvager
	asked *vm.Cluster
}

func (*hosted) Traits() vm.Traits { return vm.Traits{} }

func (h *hosted) Down(c *vm.Cluster) []vm.Action {
	h.asked = c
	return h.salvager.Down(c)
}

// planned plans no more than is in the record.
func (*hosted) Plan(context.Context, *vm.Cluster) error { return nil }

// A cluster on another libvirt than the one that is asked by itself is found by its
// note where its record is damaged; nothing is forgotten while that does not answer.
func TestDownOfADamagedRecordByItsNote(t *testing.T) {
	s := testStore(t)
	c := &vm.Cluster{
		Name: "c", ID: "1", Driver: "hosted", URI: "qemu:///session", Dir: s.Home.Cluster("c"),
		Machines: []vm.Machine{{Name: "cp-1"}, {Name: "worker-1", Host: "qemu+ssh://root@b/system"}},
	}
	driver := &hosted{salvager: salvager{name: "hosted"}}
	if err := s.record(t.Context(), driver, c); err != nil {
		t.Fatal(err)
	}
	damage := func() error {
		return errors.Join(store.WriteFile(c.Path(vm.RecordFile), []byte(`{"id`), 0o600), store.WriteFile(c.Path("machines", "cp-1", "seed"), nil, 0o600))
	}
	unreachable := errors.New("no such host")
	var opened *vm.Cluster
	options := DownOptions{Salvage: []vm.Driver{&salvager{name: "here"}}, Open: func(c *vm.Cluster) (vm.Driver, error) {
		opened = c
		return driver, unreachable
	}}
	quiet := term.NewProgress(io.Discard, true)
	if err := errors.Join(damage(), s.Down(t.Context(), "c", options, quiet)); !errors.Is(err, unreachable) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(c.Path("machines")); err != nil {
		t.Errorf("forgotten: %v", err)
	}
	unreachable = nil
	if err := s.Down(t.Context(), "c", options, quiet); err != nil {
		t.Fatal(err)
	}
	if opened.URI != c.URI || opened.ID != "1" || opened.Driver != "hosted" || opened.Dir != c.Dir {
		t.Errorf("opened by %+v", opened)
	}
	if !slices.Equal(driver.down, []string{"1"}) || !slices.ContainsFunc(driver.asked.Machines, func(m vm.Machine) bool { return m.Host == "qemu+ssh://root@b/system" }) {
		t.Errorf("taken down: %v, of %+v", driver.down, driver.asked)
	}
	if _, err := os.Stat(c.Dir); err == nil {
		t.Error("its directory is left")
	}
}

// Of one without a note, whose machines nobody has found, the files stay until a
// person has said where those are, or were.
func TestDownOfADamagedRecordWithoutANote(t *testing.T) {
	s := testStore(t)
	c := &vm.Cluster{Name: "c", Dir: s.Home.Cluster("c")}
	if err := errors.Join(store.WriteFile(c.Path(vm.RecordFile), []byte(`{"id`), 0o600), store.WriteFile(c.Path("machines", "cp-1", "seed"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	options := DownOptions{Salvage: []vm.Driver{&salvager{name: "here"}}}
	quiet := term.NewProgress(io.Discard, true)
	if err := s.Down(t.Context(), "c", options, quiet); err == nil || !strings.Contains(err.Error(), "--connect URI") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(c.Path("machines", "cp-1", "seed")); err != nil {
		t.Error(err)
	}
	options.Named = true
	if err := s.Down(t.Context(), "c", options, quiet); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Dir); err == nil {
		t.Error("its directory is left")
	}
}

// The note outlives what throws all else of a cluster away.
func TestNoteOutlivesRecreating(t *testing.T) {
	s := testStore(t)
	c := &vm.Cluster{Name: "c", ID: "1", Driver: "hosted", Dir: s.Home.Cluster("c")}
	if err := errors.Join(s.record(t.Context(), &hosted{}, c), emptied(c).Run(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	if ownerOf(c.Dir) == nil {
		t.Error("it is gone")
	}
}

// What was killed before there was a record is no cluster: the name is free, and
// 'down' clears it.
func TestNothingBegun(t *testing.T) {
	s := testStore(t)
	c := &vm.Cluster{Name: "c", ID: "1", Driver: "hosted", Dir: s.Home.Cluster("c")}
	if err := errors.Join(os.MkdirAll(c.Dir, 0o755), noteOwner(c), os.WriteFile(c.Path("."+vm.RecordFile+"123"), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	var missing *NotFoundError
	if _, err := s.Load("c"); !errors.As(err, &missing) || len(missing.Known) > 0 {
		t.Errorf("it is there: %v", err)
	}
	if all, err := s.List(); err != nil || len(all) > 0 {
		t.Errorf("listed: %v, %v", all, err)
	}
	chosen := errors.New("a driver is chosen")
	_, err := s.Up(t.Context(), UpOptions{Name: "c", Choose: func(context.Context) (vm.Driver, error) { return nil, chosen }}, term.NewProgress(io.Discard, true))
	if !errors.Is(err, chosen) {
		t.Errorf("up: %v", err)
	}
	if err := s.Down(t.Context(), "c", DownOptions{}, term.NewProgress(io.Discard, true)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Dir); err == nil {
		t.Error("its directory is left")
	}
	if err := store.WriteFile(c.Path("seed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var broken *BrokenError
	if _, err := s.Load("c"); !errors.As(err, &broken) {
		t.Errorf("with files of a machine: %v", err)
	}
}

// What is left of a golden snapshot whose making was killed goes also where its
// record is damaged: by its note, or by what a driver finds.
func TestAbandonedBuildWithADamagedRecord(t *testing.T) {
	for _, noted := range []bool{true, false} {
		s := testStore(t)
		dir := s.Home.Golden("abc") + buildingSuffix
		shared := filepath.Join(t.TempDir(), "axolotl-golden-1")
		c := &vm.Cluster{Name: "golden-abc", ID: "1", Driver: "hosted", SharedMemory: shared, Dir: dir}
		driver := &hosted{salvager: salvager{name: "hosted"}}
		if noted {
			if err := s.record(t.Context(), driver, c); err != nil {
				t.Fatal(err)
			}
		} else {
			driver.id = "1"
		}
		err := errors.Join(store.WriteFile(c.Path(vm.RecordFile), []byte("{"), 0o600), store.WriteFile(c.Path("machines", "cp-1", "seed"), nil, 0o600),
			store.WriteFile(filepath.Join(shared, "cp-1"), nil, 0o600))
		if err != nil {
			t.Fatal(err)
		}
		options := DownOptions{Open: func(*vm.Cluster) (vm.Driver, error) { return driver, nil }, Salvage: []vm.Driver{driver}}
		if err := s.DiscardAbandoned(t.Context(), options, term.NewProgress(io.Discard, true)); err != nil {
			t.Error(err)
		}
		if !slices.Equal(driver.down, []string{"1"}) {
			t.Errorf("noted %t: taken down is %v", noted, driver.down)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("noted %t: %s is left", noted, dir)
		}
		if _, err := os.Stat(shared); noted && err == nil {
			t.Error("its memory is left")
		}
	}
	// And a shape is made whose last making was killed so.
	s := testStore(t)
	if err := store.WriteFile(filepath.Join(s.Home.Golden("abc")+buildingSuffix, vm.RecordFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	var spec vm.Spec
	if _, err := s.EnsureGolden(t.Context(), shaped{}, shaped{}, &spec, term.NewProgress(io.Discard, true)); !errors.Is(err, errNotMade) {
		t.Errorf("error %v", err)
	}
}
