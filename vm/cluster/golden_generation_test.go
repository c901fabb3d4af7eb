package cluster

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/internal/term"
	"axolotl/vm"
)

// Over one that is too old or damaged the clusters stay that are there: another one
// is made beside it, for them when they are recreated and for those that come. The
// old one goes with the last that lies over it.
func TestGoldenThatIsUsedIsMadeAnewBeside(t *testing.T) {
	for name, harm := range map[string]struct {
		created time.Time
		do      func(path string) error
		said    string
	}{
		"stale":   {time.Now().Add(-91 * 24 * time.Hour), func(string) error { return nil }, "it is of "},
		"damaged": {time.Now().Add(-time.Hour), os.Remove, "it is damaged: "},
	} {
		t.Run(name, func(t *testing.T) {
			s := testStore(t)
			old := seal(t, s, "abc", harm.created)
			user := &vm.Cluster{Name: "user", ID: "1", Golden: "abc", Dir: s.Home.Cluster("user")}
			if err := errors.Join(harm.do(filepath.Join(old, "memory")), s.Save(user)); err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			progress := term.NewProgress(&said, false)
			choose := func() error { return s.chooseGolden(t.Context(), user, shaped{}, false, progress) }
			if err := choose(); !errors.Is(err, errNotMade) {
				t.Errorf("error %v, want one of a build", err)
			}
			if want := "golden snapshot abc is made anew as abc-2, for [user] lie over it: " + harm.said; !strings.Contains(said.String(), want) {
				t.Errorf("said was %q, want %q", said.String(), want)
			}
			if _, err := os.Stat(filepath.Join(old, goldenFile)); err != nil {
				t.Errorf("what lies under the cluster: %v", err)
			}

			seal(t, s, "abc-2", time.Now().Add(-time.Minute))
			var spec vm.Spec
			if g, err := s.EnsureGolden(t.Context(), shaped{}, shaped{}, &spec, progress); err != nil || g.ID != "abc-2" {
				t.Errorf("a new cluster has %+v, %v", g, err)
			}
			all, err := s.Goldens()
			if err != nil || len(all) != 2 || all[0].ID != "abc-2" || all[1].Damage == "" || !all[1].Created.Equal(harm.created) || !slices.Equal(all[1].Clusters, []string{"user"}) {
				t.Errorf("listed are %+v, %v", all, err)
			}
			if err := s.dropGolden("abc"); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(old); err != nil {
				t.Errorf("it went under the cluster: %v", err)
			}
			if err := choose(); err != nil || user.Golden != "abc-2" {
				t.Errorf("the cluster is to be recreated from %q, %v", user.Golden, err)
			}
			if err := errors.Join(s.Save(user), s.dropGolden("abc"), s.dropGolden("abc-2")); err != nil {
				t.Error(err)
			}
			if ids, err := s.generations("abc"); err != nil || !slices.Equal(ids, []string{"abc-2"}) {
				t.Errorf("left are %v, %v", ids, err)
			}
		})
	}
}

// All generations have one lock, and one build at a time.
func TestGenerations(t *testing.T) {
	s := testStore(t)
	for _, id := range []string{"abc", "abc-3", "abd", "abcd"} {
		seal(t, s, id, time.Now().Add(-time.Hour))
	}
	if err := os.MkdirAll(s.Home.Golden("abc")+buildingSuffix, 0o755); err != nil {
		t.Fatal(err)
	}
	if ids, err := s.generations("abc"); err != nil || !slices.Equal(ids, []string{"abc", "abc-3"}) {
		t.Errorf("generations %v, %v", ids, err)
	}
	if s.goldenLock("abc-3") != s.goldenLock("abc") || s.goldenLock("abd") == s.goldenLock("abc") {
		t.Error("their locks")
	}
	if _, err := s.usableGolden("none", time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is none: %v", err)
	}
	if _, err := testStore(t).usableGolden("abc", time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is not even a directory: %v", err)
	}
}

// A cluster whose golden snapshot is removed before its record says that it is used
// takes the one that is there by then, whatever its ID.
func TestClaimTakesAnotherGeneration(t *testing.T) {
	s := testStore(t)
	seal(t, s, "abc-2", time.Now().Add(-time.Hour))
	c := &vm.Cluster{Name: "user", ID: "1", Golden: "abc", Dir: s.Home.Cluster("user")}
	if err := errors.Join(s.Save(c), s.claimGolden(t.Context(), shaped{}, c, term.NewProgress(io.Discard, true))); err != nil {
		t.Fatal(err)
	}
	if now, err := s.Load("user"); err != nil || now.Golden != "abc-2" {
		t.Errorf("recorded is %+v, %v", now, err)
	}
}
