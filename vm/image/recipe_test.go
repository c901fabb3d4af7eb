package image

import (
	"maps"
	"testing"
)

func TestIDChangesWithEachInput(t *testing.T) {
	in, err := inputs()
	if err != nil {
		t.Fatal(err)
	}
	before := hashInputs(in)
	if again := hashInputs(maps.Clone(in)); again != before {
		t.Error("the same inputs give two hashes")
	}
	for name := range in {
		changed := maps.Clone(in)
		changed[name] += "x"
		if hashInputs(changed) == before {
			t.Errorf("a change in %q does not show", name)
		}
		delete(changed, name)
		if hashInputs(changed) == before {
			t.Errorf("the loss of %q does not show", name)
		}
	}
	for _, name := range []string{"base", "initrd", "usr/local/bin/axolotl-node", "image " + PauseImage, "rootfs/usr/local/sbin/axolotl-network"} {
		if in[name] == "" {
			t.Errorf("%q is no input", name)
		}
	}
	if id, err := ID(); err != nil || !imageID.MatchString(id) {
		t.Errorf("ID is %q, error %v", id, err)
	}
}

func TestContainersDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, c := range containers {
		hash, err := c.hash()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[hash]; ok {
			t.Errorf("%s and %s have one hash", c.ref, other)
		}
		seen[hash] = c.ref
	}
}
