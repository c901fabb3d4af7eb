package main

import (
	"strings"
	"testing"

	"axolotl/vm"
	"axolotl/vm/cluster"
)

// A way out is told where there is one.
func TestStatusTellsOfAWayOut(t *testing.T) {
	for outside, want := range map[*vm.Outside]string{
		{}: "API server : ready\n\nNODE",
		{Internet: true, RegistryMirrors: map[string][]string{"docker.io": {"https://a", "https://b"}}}: "ready\n" +
			"its machines reach the internet; images of docker.io by way of https://a, https://b\n\nNODE",
	} {
		var out strings.Builder
		if err := printStatus(&out, &cluster.Status{Name: "c", API: "ready", Outside: *outside}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
}
