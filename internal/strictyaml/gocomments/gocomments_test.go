package gocomments_test

import (
	"os"
	"path/filepath"
	"testing"

	"axolotl/internal/strictyaml"
	"axolotl/internal/strictyaml/gocomments"
)

// A format's texts are those of the structs that files are decoded into, also
// of those that have no name outside of their package, and of no others.
func TestRead(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "a.go"), "package a\n\n// targetFile is a\n// target.\ntype targetFile struct {\n\tName string `yaml:\"name\"` // of it\n\tinside int // no field of a file\n}\n\ntype state struct {\n\tx int // no file has it\n}\n")
	write(filepath.Join(other, "b.go"), "package b\n\n// Taint is one.\ntype Taint struct {\n\t// Key of it.\n\tKey string `yaml:\"key\"`\n}\n")
	read, err := gocomments.Read(dir, other)
	if err != nil {
		t.Fatal(err)
	}
	want := strictyaml.Comments{
		"targetFile": "targetFile is a target.", "targetFile.Name": "of it", "Taint": "Taint is one.", "Taint.Key": "Key of it.",
	}
	if len(read) != len(want) {
		t.Errorf("read %q", read)
	}
	for key, text := range want {
		if read[key] != text {
			t.Errorf("%s: %q, want %q", key, read[key], text)
		}
	}
}
