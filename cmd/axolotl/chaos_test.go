package main

import (
	"slices"
	"testing"

	"axolotl/chaos"
	"axolotl/chaos/fault"
)

// The help of 'chaos run' says that the list has an experiment for each fault.
func TestEveryFaultIsListed(t *testing.T) {
	var listed []string
	for _, name := range chaos.CatalogNames() {
		d, err := describe(name)
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, d.Breaks)
	}
	for _, name := range fault.Names() {
		if !slices.Contains(listed, name) {
			t.Errorf("no experiment that comes with axolotl is of fault %s", name)
		}
	}
}
