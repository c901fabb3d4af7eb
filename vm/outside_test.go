package vm

import (
	"strings"
	"testing"
)

// What becomes part of a path and of a file in a machine is nothing else.
func TestCheckMirror(t *testing.T) {
	for host, good := range map[string]bool{
		"docker.io": true, "registry.k8s.io": true, "localhost:5000": true, "_default": true,
		"": false, "..": false, "../x": false, "a/b": false, "A.io": false, "a:b": false, "x ": false, "-a": false,
	} {
		if err := CheckRegistry(host); (err == nil) != good {
			t.Errorf("registry %q: %v", host, err)
		}
	}
	for url, good := range map[string]bool{
		"https://mirror.example.com": true, "http://10.0.0.1:5000": true, "https://mirror.example.com/v2/hub": true,
		"": false, "mirror.example.com": false, "ftp://mirror": false, "https://": false, "https://:443": false,
		"https://me:word@mirror": false, "https://mirror?x=1": false, "https://mirror#x": false, "https://a\"]": false,
	} {
		if err := CheckMirror(url); (err == nil) != good {
			t.Errorf("mirror %q: %v", url, err)
		}
	}
}

// A golden snapshot serves clusters with and without a way out, which are not
// the same for that.
func TestOutsideIsNotOfTheMachines(t *testing.T) {
	closed := Spec{ControlPlanes: 1, CPUs: 2}
	open := closed
	open.Outside = Outside{Internet: true, RegistryMirrors: map[string][]string{"docker.io": {"https://a", "https://b"}}}
	if !open.SameMachines(closed) || open.Outside.Equal(closed.Outside) || !open.Internet {
		t.Errorf("%+v, %+v", open, closed)
	}
	other := Outside{Internet: true, RegistryMirrors: map[string][]string{"docker.io": {"https://b", "https://a"}}}
	if open.Outside.Equal(other) {
		t.Error("mirrors in another order are the same")
	}
	if got := open.String(); !strings.HasSuffix(got, "with a way out") {
		t.Error(got)
	}
}
