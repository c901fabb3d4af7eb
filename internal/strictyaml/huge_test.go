package strictyaml

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that is too large is refused, and one without end does not fill the
// memory.
func TestHugeFile(t *testing.T) {
	fits, huge := filepath.Join(t.TempDir(), "fits.yaml"), filepath.Join(t.TempDir(), "huge.yaml")
	comment := bytes.Repeat([]byte("#"), maxBytes-len("\nname: a"))
	if err := os.WriteFile(fits, append(comment, "\nname: a"...), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(huge)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(1 << 40); err != nil { // a hole, which takes no room on the disk
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{fits: "", huge: "huge.yaml:1:1: the file has more than 262144 bytes"} {
		name, data, err := Catalog{}.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		var s sample
		d := Parse(name, data)
		d.Decode(&s)
		if err := d.Err(); (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}
