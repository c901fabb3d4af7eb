package libvirt

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/vm"
)

// loading makes a cluster and an archive for it.
func loading(w *world, workers int) {
	w.fake.answer = answering().answer
	w.must(w.up(w.options("c", spec(workers))))
	w.healthy("c")
	w.must(os.WriteFile(archiveOf(w), []byte("images"), 0o600))
}

func archiveOf(w *world) string { return filepath.Join(w.home.Cluster("c"), "images.tar") }

// The archive is read by every machine and stays in none, at whatever call it
// goes wrong, once it has gone well.
func TestLoadImagesAtEveryCall(t *testing.T) {
	w := newWorld(t)
	work{
		before: func(w *world) { loading(w, 0) },
		run:    func(w *world) error { return w.driver().LoadImages(t.Context(), w.load("c"), archiveOf(w)) },
	}.everyCall(t, w, func(w *world) {
		for _, d := range w.fake.domains {
			if d.attached.file != "" {
				t.Errorf("%s still has %v", d.name, d.attached)
			}
		}
	})
}

// What fails inside is told, and the disk is taken back, also where the command
// was ended.
func TestLoadImagesThatFails(t *testing.T) {
	w := newWorld(t)
	loading(w, 1)
	ctx, cancel := context.WithCancel(t.Context())
	had := 0
	g := answering()
	g.code, g.err = 1, "ctr: unexpected EOF"
	w.fake.answer = func(uuid, command string, arguments map[string]any) (any, error) {
		if w.fake.domains[uuid].attached == (attached{imagesSerial, archiveOf(w)}) {
			had++
		}
		return g.answer(uuid, command, arguments)
	}
	err := w.driver().LoadImages(ctx, w.load("c"), archiveOf(w))
	if err == nil || !strings.Contains(err.Error(), "load images into ") || !strings.Contains(err.Error(), "ctr: unexpected EOF") {
		t.Errorf("error %v", err)
	}
	if had == 0 {
		t.Error("no machine had the archive")
	}
	g.polls = 1 << 30
	w.fake.answer = func(uuid, command string, arguments map[string]any) (any, error) {
		cancel()
		return g.answer(uuid, command, arguments)
	}
	if err := w.driver().LoadImages(ctx, w.load("c"), archiveOf(w)); err == nil {
		t.Error("it went on after the end")
	}
	for _, d := range w.fake.domains {
		if d.attached.file != "" {
			t.Errorf("%s still has %v", d.name, d.attached)
		}
	}
}

// A machine that is off would lack the images: nothing is done before all run.
func TestLoadImagesIntoWhatIsOff(t *testing.T) {
	w := newWorld(t)
	loading(w, 1)
	w.become(w.load("c").Machines[1].UUID, vm.MachineStopped)
	w.fake.arm(0, "")
	err := w.driver().LoadImages(t.Context(), w.load("c"), archiveOf(w))
	if err == nil || !strings.Contains(err.Error(), "'axolotl node start c worker-1'") {
		t.Errorf("error %v", err)
	}
	for _, call := range w.fake.calls {
		if !strings.HasPrefix(call, "Domain ") {
			t.Errorf("call %s", call)
		}
	}
}

// A disk that a killed command has left is in no snapshot.
func TestSnapshotWithoutImages(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(0))
	w.must(w.up(w.restored("c", spec(0))))
	w.healthy("c")
	m := w.load("c").Machines[0]
	w.fake.domains[m.UUID].attached = attached{imagesSerial, "left"}
	w.must(save(w))
	if left := w.fake.domains[m.UUID].attached; left.file != "" {
		t.Errorf("left: %v", left)
	}
}
