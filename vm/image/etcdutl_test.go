package image

import (
	"io/fs"
	"regexp"
	"testing"
)

// What etcdutl writes is read by the etcd of the node binary.
func TestEtcdutlIsOfTheSameVersion(t *testing.T) {
	required := func(source fs.FS, module string) string {
		t.Helper()
		text, err := fs.ReadFile(source, "go.mod")
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s is not in\n%s", module, text)
		}
		return string(found[1])
	}
	const server = "go.etcd.io/etcd/server/v3"
	want := required(nodeSource, server)
	for _, module := range []string{Etcdutl.Package, server} {
		if got := required(Etcdutl.Source, module); got != want {
			t.Errorf("etcdutl is made of %s %s, the node of etcd %s; see etcdutl.txtar", module, got, want)
		}
	}
}
