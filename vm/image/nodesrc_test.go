package image

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
)

// The embedded sources must be those of vm/node, or the axolotl binary builds
// another node than the checkout shows.
func TestNodeSourceIsTheModule(t *testing.T) {
	want, got := readAll(t, os.DirFS("../node")), readAll(t, nodeSource)
	for name, file := range want {
		if got[name] == nil || string(got[name].Data) != string(file.Data) {
			t.Errorf("node.txtar differs from vm/node in %s: run go generate ./vm/image", name)
		}
	}
	for name := range got {
		if want[name] == nil {
			t.Errorf("node.txtar has %s, vm/node has not: run go generate ./vm/image", name)
		}
	}
}

func readAll(t *testing.T, source fs.FS) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(source, name)
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
