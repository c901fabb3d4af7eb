package image

import (
	_ "embed"
	"io/fs"

	"golang.org/x/tools/txtar"
)

//go:generate go run nodesrc_gen.go

// nodeArchive holds the sources of vm/node as text. They are in the axolotl
// binary so that it can hash and build them where there is no checkout;
// go:embed itself does not reach into another module.
//
//go:embed node.txtar
var nodeArchive []byte

// nodeSource is the module vm/node.
var nodeSource = func() fs.FS {
	source, err := txtar.FS(txtar.Parse(nodeArchive))
	if err != nil {
		panic("image: node.txtar: " + err.Error() + "; run go generate ./vm/image")
	}
	return source
}()
