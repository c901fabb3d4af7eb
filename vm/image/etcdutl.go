package image

import (
	_ "embed"

	"golang.org/x/tools/txtar"
)

// etcdutlArchive holds a module that requires etcdutl, and how it was made.
//
//go:embed etcdutl.txtar
var etcdutlArchive []byte

// Etcdutl works on the files of an etcd of the same version as Node's. The host
// runs it; no machine has it. Its own module replaces others by directories
// beside it in its repository, so that "go install" does not take it.
var Etcdutl = Binary{
	Name:    "etcdutl",
	Source:  sources("vm/image/etcdutl.txtar", txtar.Parse(etcdutlArchive)),
	Package: "go.etcd.io/etcd/etcdutl/v3",
	LDFlags: stripped,
}
