package libvirt

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/vm"
)

// Where memory cannot be mapped, machines are frozen as save images, and what
// is made of them is described by itself: no machine starts as another's.
func TestFrozenAsSaveImages(t *testing.T) {
	w := newWorld(t)
	w.restore = vm.Saved
	c := w.building(spec(1), "frozen")
	for _, d := range w.fake.domains {
		if strings.Contains(d.running, "mem-path") {
			t.Errorf("the memory of %s is a file: %s", d.name, d.running)
		}
	}
	w.must(w.driver().Freeze(t.Context(), c))
	if len(w.fake.domains) > 0 {
		t.Errorf("domains are left: %v", w.fake.domains)
	}
	for _, m := range c.Machines {
		image, err := os.ReadFile(machineFile(c.Dir, m.Name, savedFile))
		w.must(err)
		if _, _, stream, err := unsaved(image); err != nil || stream != "state of "+m.Name+"\n" {
			t.Errorf("%s: %q, %v", m.Name, stream, err)
		}
		for _, name := range []string{memoryFile, deviceFile} {
			if _, err := os.Stat(machineFile(c.Dir, m.Name, name)); err == nil {
				t.Errorf("%s has a file %s of the other form", m.Name, name)
			}
		}
	}
}

// Two clusters of one golden snapshot live side by side, and what is frozen is
// as it was.
func TestClonesOfSaveImages(t *testing.T) {
	w := newWorld(t)
	w.restore = vm.Saved
	w.golden(spec(1))
	kept := func() (images [][]byte) {
		paths, err := filepath.Glob(filepath.Join(w.home.Goldens(), "*", "machines", "*", savedFile))
		w.must(err)
		for _, path := range paths {
			image, err := os.ReadFile(path)
			w.must(err)
			images = append(images, image)
		}
		return images
	}
	before := kept()
	w.must(w.up(w.restored("c", spec(1))))
	w.must(w.up(w.restored("d", spec(1))))
	if after := kept(); len(before) != 2 || !bytes.Equal(bytes.Join(before, nil), bytes.Join(after, nil)) {
		t.Errorf("%d files; they were written to: %t", len(before), !bytes.Equal(bytes.Join(before, nil), bytes.Join(after, nil)))
	}
	for _, name := range []string{"c", "d"} {
		c := w.load(name)
		for _, m := range c.Machines {
			d := w.fake.domains[m.UUID]
			if d == nil || d.name != domainName(c, &m) || d.state != vm.MachineRunning || d.clock.IsZero() {
				t.Errorf("%s of %s: %+v", m.Name, name, d)
			}
			if _, err := os.Stat(machineFile(c.Dir, m.Name, savedCopy)); err == nil {
				t.Errorf("%s of %s: the copy is left", m.Name, name)
			}
		}
	}
}

// A golden snapshot of one form is not found by who keeps machines in the other,
// and none is read as the other.
func TestFormsAreKeptApart(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		w.golden(spec(0))
		goldens, err := os.ReadDir(w.home.Goldens())
		w.must(err)
		other := map[vm.Form]vm.Form{vm.Mapped: vm.Saved, vm.Saved: vm.Mapped}[w.restore]
		s := spec(0)
		id, err := w.driver().Shape(t.Context(), &s, other, quiet.Start("shape"))
		w.must(err)
		if len(goldens) != 1 || goldens[0].Name() == id {
			t.Errorf("%v would be taken by who keeps machines as %s", goldens, other)
		}
		dir := machineFile(w.home.Golden(goldens[0].Name()), "cp-1", "")
		names := map[vm.Form]string{vm.Mapped: deviceFile, vm.Saved: savedFile}
		w.must(os.Rename(filepath.Join(dir, names[w.restore]), filepath.Join(dir, names[other])))
		if err := w.up(w.restored("c", spec(0))); err == nil {
			t.Errorf("what was kept as %s was read as %s", w.restore, other)
		}
		gone(w)
	})
}

// A snapshot is restored in the form that it has, whatever serves by now.
func TestSnapshotOfTheOtherForm(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		w.golden(spec(2))
		used(w)
		w.must(save(w))
		w.restore = map[vm.Form]vm.Form{vm.Mapped: vm.Saved, vm.Saved: vm.Mapped}[w.restore]
		w.must(started(w.clusters().RestoreSnapshot(t.Context(), "s", w.restored("c", spec(2)), quiet)))
		c := w.load("c")
		for i, want := range []vm.MachineState{vm.MachineRunning, vm.MachineRunning, vm.MachineStopped} {
			if d := w.fake.domains[c.Machines[i].UUID]; d.state != want || d.incoming {
				t.Errorf("%s is %s", d.name, d.state)
			}
		}
	})
}
