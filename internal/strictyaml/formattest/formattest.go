// Package formattest holds what a package says of its files to its sources. The
// packages' own tests call it.
package formattest

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"

	"axolotl/internal/strictyaml"
	"axolotl/internal/strictyaml/gocomments"
)

// Format is what is said of one kind of files.
type Format struct {
	Comments  strictyaml.Comments // as they were generated
	Sources   []string            // the directories that they are from
	Reference string
	Schema    map[string]any
}

// bare is a line of a reference on a field of which nothing is said.
var bare = regexp.MustCompile(`(?m)^- .*\)$`)

// Check fails where the format does not say what the sources say now, of every
// field, or where its reference or its schema lacks one of the texts.
func (f Format) Check(t *testing.T, reference, schema []string) {
	t.Helper()
	read, err := gocomments.Read(f.Sources...)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(read, f.Comments) {
		t.Error("comments.json is not what the sources say: run go generate in this directory")
	}
	for _, line := range bare.FindAllString(f.Reference, -1) {
		t.Errorf("nothing is said of a field: %s", line)
	}
	for _, want := range reference {
		if !strings.Contains(f.Reference, want) {
			t.Errorf("no %q in:\n%s", want, f.Reference)
		}
	}
	data, err := json.Marshal(f.Schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range schema {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in %s", want, data)
		}
	}
}
