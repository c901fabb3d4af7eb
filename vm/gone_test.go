package vm_test

import (
	"os"
	"path/filepath"
	"testing"

	"axolotl/internal/store"
	"axolotl/vm"
)

func TestGone(t *testing.T) {
	c := &vm.Cluster{Name: "c", ID: "1", Dir: filepath.Join(t.TempDir(), "c")}
	write := func(id string) {
		t.Helper()
		if err := store.WriteJSON(c.Path(vm.RecordFile), &vm.Cluster{Name: "c", ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	if err := c.Gone(); err != nil {
		t.Errorf("it is there: %v", err)
	}
	write("2")
	if c.Gone() == nil {
		t.Error("another one has its name")
	}
	if err := os.Remove(c.Path(vm.RecordFile)); err != nil {
		t.Fatal(err)
	}
	if err := c.Gone(); err != nil {
		t.Errorf("a cluster need not have a record: %v", err)
	}
	if err := os.RemoveAll(c.Dir); err != nil {
		t.Fatal(err)
	}
	if c.Gone() == nil {
		t.Error("its directory is gone")
	}
}
