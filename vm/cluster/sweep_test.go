package cluster

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// What commands that were killed have left goes with the next one that changes the
// cluster, and with 'up'.
func TestSwept(t *testing.T) {
	s, c := snapshotable(t)
	open := func(*vm.Cluster) (vm.Driver, error) { return &saving{}, nil }
	quiet := term.NewProgress(io.Discard, true)
	leave := func() {
		t.Helper()
		for _, name := range []string{snapshotsDir + "/a" + savingSuffix + "/memory", imagesFile, imagesFile + ".unzipped-0", madeImagesFile} {
			if err := store.WriteFile(c.Path(name), []byte("gigabytes"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	left := func() (names []string) {
		t.Helper()
		for _, name := range []string{snapshotsDir + "/a" + savingSuffix, imagesFile, imagesFile + ".unzipped-0", madeImagesFile} {
			if _, err := os.Stat(c.Path(name)); err == nil {
				names = append(names, name)
			}
		}
		return names
	}
	stop := errors.New("that is far enough")
	for name, do := range map[string]func() error{
		"save": func() error {
			_, err := s.SaveSnapshot(t.Context(), "c", "b", open, quiet)
			return err
		},
		"delete": func() error { return s.DeleteSnapshot("c", "b") },
		"up": func() error {
			_, err := s.Up(t.Context(), UpOptions{Name: "c", AsIs: true, Open: func(*vm.Cluster) (vm.Driver, error) { return &stopping{why: stop}, nil }}, quiet)
			if errors.Is(err, stop) {
				err = nil
			}
			return err
		},
	} {
		if name == "delete" {
			if err := store.WriteFile(c.Path(snapshotsDir, "b", snapshotFile), []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		leave()
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if names := left(); len(names) > 0 {
			t.Errorf("%s: %v are left", name, names)
		}
		if err := os.RemoveAll(c.Path(snapshotsDir)); err != nil {
			t.Fatal(err)
		}
	}

	// Images that somebody makes for it are his.
	leave()
	making, err := c.TryLock(madeImagesFile + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer making.Unlock() //nolint:errcheck // the test is over
	if err := sweep(c); err != nil || !slices.Equal(left(), []string{madeImagesFile}) {
		t.Errorf("while images are made: %v, %v are left", err, left())
	}
}

// stopping is a driver with which nothing goes on.
type stopping struct {
	saving
	why error
}

func (s *stopping) Up(*vm.Cluster) []vm.Action {
	return []vm.Action{{Name: "Stop", Run: func(context.Context, *term.Step) error { return s.why }}}
}
