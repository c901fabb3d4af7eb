package cluster

import (
	"context"
	"errors"
	"io"
	"testing"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// loading is a driver that notes which cluster it loads images into.
type loading struct {
	vm.Driver
	into []string
}

func (l *loading) LoadImages(_ context.Context, c *vm.Cluster, _ string) error {
	l.into = append(l.into, c.ID)
	return nil
}

// Images that are made for a cluster, which takes minutes, do not come into another
// one that has got its name meanwhile.
func TestImagesForAClusterThatWasReplaced(t *testing.T) {
	s, c := snapshotable(t)
	loader := &loading{}
	load := s.giveImages("c", loader)
	step := term.NewProgress(io.Discard, true).Start("load")
	if err := load(t.Context(), func(store.Home, string) error { return nil }, step); err != nil {
		t.Fatal(err)
	}
	err := load(t.Context(), func(store.Home, string) error {
		other := *c
		other.ID = "2"
		return s.Save(&other)
	}, step)
	var gone *vm.GoneError
	if !errors.As(err, &gone) || len(loader.into) != 1 || loader.into[0] != c.ID {
		t.Errorf("error %v; loaded into %v", err, loader.into)
	}
}
