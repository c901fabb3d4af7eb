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
var nodeSource = sources("vm/node (run go generate ./vm/image)", txtar.Parse(nodeArchive))

// sources are the files of an archive that is part of this program.
func sources(of string, archive *txtar.Archive) fs.FS {
	files, err := txtar.FS(archive)
	if err != nil {
		panic("image: embedded sources of " + of + ": " + err.Error())
	}
	return files
}
