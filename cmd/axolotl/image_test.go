package main

import (
	"slices"
	"testing"

	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

// An image that a cluster of another state directory lies over is in use: the cache
// is shared.
func TestImagesInUseElsewhere(t *testing.T) {
	home := store.Home{State: t.TempDir(), Cache: t.TempDir()}
	elsewhere := cluster.Store{Home: store.Home{State: t.TempDir(), Cache: home.Cache}}
	user := &vm.Cluster{Name: "user", ID: "1", Image: "abc", Driver: "local", Dir: elsewhere.Home.Cluster("user")}
	if err := elsewhere.Save(user); err != nil {
		t.Fatal(err)
	}
	used, err := (&app{home: home}).imagesInUse()
	if err != nil || !slices.Equal(used.Images, []string{"abc"}) || !used.Programs {
		t.Errorf("%+v, %v", used, err)
	}
}
