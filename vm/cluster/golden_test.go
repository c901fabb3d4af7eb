package cluster

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	if err := sealGolden(&vm.Cluster{Dir: building}, Golden{ID: id, Form: vm.Mapped, Build: "this build"}, dir); err != nil {
		t.Fatal(err)
	}
	g := Golden{Dir: dir}
	if err := store.ReadJSON(filepath.Join(dir, goldenFile), &g); err != nil {
		t.Fatal(err)
	}
	g.Created = created
	if err := g.write(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func testStore(t *testing.T) Store {
	t.Helper()
	dir := t.TempDir()
	return Store{Home: store.Home{State: filepath.Join(dir, "state"), Cache: filepath.Join(dir, "cache")}}
}

// decay changes a byte of a file and nothing by which one would see it.
func decay(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, time.Time{}, info.ModTime()))
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
		{"decayed", now.Add(-time.Hour), func(dir string) error { return decay(memory(dir)) }, "memory does not hold any more what was sealed"},
		{"record decayed", now.Add(-time.Hour), func(dir string) error {
			record := filepath.Join(dir, goldenFile)
			data, err := os.ReadFile(record)
			return errors.Join(err, os.WriteFile(record, bytes.Replace(data, []byte(`"cpus": 0`), []byte(`"cpus": 1`), 1), 0o600))
		}, "golden.json does not hold any more what was sealed"},
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
	s := testStore(t)
	if err := os.Remove(memory(seal(t, s, "abc", now.Add(-time.Hour)))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.openGolden("abc", now); errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that misses a file counts as none: %v", err)
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

// A cluster that is made of one while others are removed has it: whoever removes looks
// once more, and whoever has noted that he uses it looks whether it is still there.
func TestGoldenIsNotRemovedUnderANewCluster(t *testing.T) {
	s := testStore(t)
	seal(t, s, "abc", time.Now().Add(-time.Hour))
	user := &vm.Cluster{Name: "user", ID: "1", Golden: "abc", Dir: s.Home.Cluster("user")}
	removed, err := s.removeGoldens(func(GoldenEntry) bool { // it was unused when this is asked
		if err := errors.Join(os.MkdirAll(user.Dir, 0o755), s.Save(user)); err != nil {
			t.Fatal(err)
		}
		return true
	})
	if _, opened := s.openGolden("abc", time.Now()); err != nil || len(removed) > 0 || opened != nil {
		t.Errorf("removed %v, %v; opened: %v", removed, err, opened)
	}
	quiet := term.NewProgress(io.Discard, true)
	if err := s.claimGolden(t.Context(), shaped{}, user, quiet); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(s.Home.Golden("abc")); err != nil {
		t.Fatal(err)
	}
	if err := s.claimGolden(t.Context(), shaped{}, user, quiet); !errors.Is(err, errNotMade) {
		t.Errorf("it was not made again: %v", err)
	}
}

// A cluster whose state is elsewhere has its golden snapshot all the same: the cache is
// shared. What is gone there counts no more.
func TestGoldenUsedFromAnotherStateDirectory(t *testing.T) {
	s := testStore(t)
	seal(t, s, "abc", time.Now().Add(-time.Hour))
	elsewhere := s
	elsewhere.Home.State = t.TempDir()
	user := &vm.Cluster{Name: "user", ID: "1", Golden: "abc", Dir: elsewhere.Home.Cluster("user")}
	if err := elsewhere.Save(user); err != nil {
		t.Fatal(err)
	}
	all := func(GoldenEntry) bool { return true }
	removed, err := s.removeGoldens(all)
	if _, opened := s.openGolden("abc", time.Now()); err != nil || len(removed) > 0 || opened != nil {
		t.Fatalf("removed %v, %v; opened: %v", removed, err, opened)
	}
	if users, err := s.goldenUsers("abc"); err != nil || !slices.Equal(users, []string{"user in " + elsewhere.Home.State}) {
		t.Errorf("its users are %v, %v", users, err)
	}
	if err := os.RemoveAll(elsewhere.Home.State); err != nil {
		t.Fatal(err)
	}
	if removed, err := s.removeGoldens(all); err != nil || len(removed) != 1 {
		t.Errorf("nobody uses it any more: removed %v, %v", removed, err)
	}
}

// What a large file has lost is seen only where all is read. It is not used
// afterwards, and is made anew.
func TestVerifyGoldens(t *testing.T) {
	s := testStore(t)
	now := time.Now().Add(-time.Hour)
	large := func(id string) string { return filepath.Join(s.Home.Golden(id), "large") }
	for _, id := range []string{"whole", "decayed"} {
		if err := os.MkdirAll(s.Home.Golden(id)+buildingSuffix, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(large(id+buildingSuffix), bytes.Repeat([]byte("page"), smallFile), 0o600); err != nil {
			t.Fatal(err)
		}
		seal(t, s, id, now)
	}
	if err := decay(large("decayed")); err != nil {
		t.Fatal(err)
	}
	damaged := func() map[string]string {
		all, err := s.Goldens()
		if err != nil {
			t.Fatal(err)
		}
		damages := map[string]string{}
		for _, e := range all {
			damages[e.ID] = e.Damage
		}
		return damages
	}
	if got := damaged(); got["whole"]+got["decayed"] != "" {
		t.Errorf("seen without reading it: %v", got)
	}
	for range 2 {
		if err := s.VerifyGoldens(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := damaged(); got["whole"] != "" || got["decayed"] != "it is damaged: large does not hold any more what was sealed" {
		t.Errorf("after all was read: %v", got)
	}
}

// shaped is a driver whose golden snapshots have one shape, and that makes none.
type shaped struct {
	driverOf
	vm.Freezer
	form vm.Form // empty: mapped
}

var errNotMade = errors.New("this driver makes nothing")

func (shaped) Hardware() string { return "" }

func (shaped) Fits(*vm.Cluster, string) error { return nil }

func (d shaped) Form(context.Context, *vm.Spec, *term.Step) (vm.Form, string, error) {
	return cmp.Or(d.form, vm.Mapped), "a small guest said so", nil
}
func (shaped) Shape(_ context.Context, _ *vm.Spec, form vm.Form, _ *term.Step) (string, error) {
	return map[vm.Form]string{vm.Mapped: "abc", vm.Saved: "abd"}[form], nil
}
func (shaped) Plan(context.Context, *vm.Cluster) error { return errNotMade }
func (shaped) Down(*vm.Cluster) []vm.Action            { return nil }

// One that is damaged is said to be, and is made anew.
func TestDamagedGoldenIsMadeAnew(t *testing.T) {
	s := testStore(t)
	dir := seal(t, s, "abc", time.Now().Add(-time.Hour))
	var said strings.Builder
	ensure := func() error {
		var spec vm.Spec
		_, err := s.EnsureGolden(t.Context(), shaped{}, shaped{}, &spec, term.NewProgress(&said, false))
		return err
	}
	if err := ensure(); err != nil {
		t.Fatal(err)
	}
	for _, harm := range []func(string) error{decay, os.Remove} {
		if err := harm(filepath.Join(dir, "memory")); err != nil {
			t.Fatal(err)
		}
		said.Reset()
		if err := ensure(); !errors.Is(err, errNotMade) {
			t.Errorf("error %v", err)
		}
		if !strings.Contains(said.String(), "golden snapshot abc is made anew: it is damaged: ") {
			t.Errorf("said was %q", said.String())
		}
	}
}

// Where it is the slower form that serves, each up says so, and why.
func TestSlowerFormIsSaid(t *testing.T) {
	s := testStore(t)
	seal(t, s, "abc", time.Now().Add(-time.Hour))
	seal(t, s, "abd", time.Now().Add(-time.Hour))
	for form, want := range map[vm.Form]int{vm.Mapped: 0, vm.Saved: 1} {
		var said strings.Builder
		var spec vm.Spec
		driver := shaped{form: form}
		if _, err := s.EnsureGolden(t.Context(), driver, driver, &spec, term.NewProgress(&said, false)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(said.String(), "plain save and restore, which is slower than mapping it: a small guest said so\n"); got != want {
			t.Errorf("%s: said %d times: %q", form, got, said.String())
		}
	}
}

// What was frozen in a form that does not serve here any more is not restored:
// a cluster is recreated from another, a machine boots. One of before has no
// form on record, and is mapped.
func TestGoldenOfTheOtherForm(t *testing.T) {
	s := testStore(t)
	dir := seal(t, s, "abc", time.Now().Add(-time.Hour))
	c := &vm.Cluster{Name: "c", Golden: "abc"}
	for range 2 {
		g, err := s.restorable(t.Context(), c, shaped{})
		if err != nil || g.Form != vm.Mapped {
			t.Fatalf("%+v, %v", g, err)
		}
		_, err = s.restorable(t.Context(), c, shaped{form: vm.Saved})
		if err == nil || !strings.Contains(err.Error(), `golden snapshot abc is kept as "mapped", and here "save" serves: a small guest said so`) {
			t.Errorf("error %v", err)
		}
		g.Form = ""
		if err := g.write(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.restorable(t.Context(), c, otherwise{})
	if err == nil || !strings.Contains(err.Error(), "golden snapshot abc is of machines with other hardware") {
		t.Errorf("error %v", err)
	}
	if _, err := s.restorable(t.Context(), c, torn{}); !errors.Is(err, errTorn) {
		t.Errorf("error %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, goldenFile)); err != nil || bytes.Contains(data, []byte(`"form"`)) {
		t.Errorf("this is none of before: %s, %v", data, err)
	}
	progress := term.NewProgress(io.Discard, true)
	if err := s.chooseGolden(t.Context(), c, shaped{}, false, progress); err != nil || c.Golden != "abc" {
		t.Errorf("golden snapshot %q, %v", c.Golden, err)
	}
	if err := s.chooseGolden(t.Context(), c, shaped{form: vm.Saved}, false, progress); !errors.Is(err, errNotMade) {
		t.Errorf("error %v", err)
	}
	seal(t, s, "abd", time.Now().Add(-time.Hour))
	if err := s.chooseGolden(t.Context(), c, shaped{form: vm.Saved}, false, progress); err != nil || c.Golden != "abd" {
		t.Errorf("golden snapshot %q, %v", c.Golden, err)
	}
}

// Those of another build are stale, whatever image they are of.
func TestStaleGoldens(t *testing.T) {
	s := testStore(t)
	seal(t, s, "whole", time.Now().Add(-time.Hour))
	seal(t, s, "cut", time.Now().Add(-time.Hour))
	if err := os.Truncate(filepath.Join(s.Home.Golden("cut"), "memory"), 3); err != nil {
		t.Fatal(err)
	}
	all, err := s.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	for build, want := range map[string]string{"this build": "", "that build": "made by another build"} {
		entries := slices.Clone(all)
		MarkStale(entries, build)
		for _, e := range entries {
			if e.ID == "whole" && e.Stale != want || e.ID == "cut" && (e.Stale != "" || e.Damage == "") {
				t.Errorf("%s, to %q: %+v", e.ID, build, e)
			}
		}
	}
}

// torn lies over what has changed.
type torn struct{ shaped }

var errTorn = errors.New("it lies over other bytes")

func (torn) Fits(*vm.Cluster, string) error { return errTorn }

// otherwise makes machines with other hardware.
type otherwise struct{ shaped }

func (otherwise) Hardware() string { return "of next year" }
