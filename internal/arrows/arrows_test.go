// Package arrows keeps the direction of imports: rooms know the rooms below
// them and none above. It holds a test only.
package arrows

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// rooms are the folders at the top, the lowest first. Each may import itself
// and what is below it.
var rooms = []string{"internal", "vm", "chaos", "labs", "cmd"}

// reasons say why an arrow up is wrong, for whoever is about to draw one.
var reasons = map[string]string{
	"internal": "the ground floor serves any room and knows none",
	"vm":       "machines and clusters know neither experiments nor labs",
	"chaos":    "an experiment knows no lab; a lab may break things",
	"labs":     "a lab knows no command line",
}

// kept are imports that only some rooms may have, with the reason.
var kept = []struct{ pkg, room, reason string }{
	{"libvirt.org/go/libvirt", "vm/libvirt", "the driver is the only one who speaks to libvirt"},
	{"libvirt.org/go/libvirtxml", "vm/libvirt", "the driver is the only one who speaks to libvirt"},
	{"github.com/spf13/cobra", "cmd", "only commands know the command line"},
	{"modernc.org/sqlite", "chaos/history", "the history alone knows that it is a database"},
	{"k8s.io/kubernetes", "", "the main binary stays free of the Kubernetes monorepo; vm/node has it"},
}

type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestArrowsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		room := roomOf(p.ImportPath)
		if room < 0 {
			t.Errorf("%s is in no room; rooms are %v", p.ImportPath, rooms)
			continue
		}
		// NOTE: tests of a room may not look up either.
		for _, path := range append(append(p.Imports, p.TestImports...), p.XTestImports...) {
			if other := roomOf(path); other > room {
				t.Errorf("%s imports %s: %s", p.ImportPath, path, reasons[rooms[room]])
			}
			for _, k := range kept {
				inside := k.room != "" && under(p.ImportPath, "axolotl/"+k.room)
				if under(path, k.pkg) && !inside {
					t.Errorf("%s imports %s: %s", p.ImportPath, path, k.reason)
				}
			}
		}
	}
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "axolotl/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < len(rooms) {
		t.Fatalf("only %d packages found: %v", len(all), all)
	}
	return all
}

// roomOf is a package's room as an index of rooms, or -1.
func roomOf(path string) int {
	for i, room := range rooms {
		if under(path, "axolotl/"+room) {
			return i
		}
	}
	return -1
}

func under(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
