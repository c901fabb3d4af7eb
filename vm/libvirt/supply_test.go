package libvirt

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// ofOldRelease makes of a cluster what a release made whose node image is gone.
func (w *world) ofOldRelease(name string) {
	w.t.Helper()
	c := w.load(name)
	c.Image = "0123456789ab"
	w.must(w.clusters().Save(c))
}

// A cluster whose node image is gone is recreated from the one that there is now, and
// keeps its machines where that cannot be had.
func TestRecreateColdOfAnEarlierRelease(t *testing.T) {
	for name, host := range map[string]func(testing.TB) *world{"here": newWorld, "far": newFar} {
		t.Run(name, func(t *testing.T) {
			w := host(t)
			w.must(w.up(w.options("c", spec(1))))
			w.healthy("c")
			current := w.load("c").Image
			w.ofOldRelease("c")
			before := w.look()

			missing, had := errors.New("no compiler"), w.adapt
			w.adapt = func(d *Driver) {
				if had != nil {
					had(d)
				}
				d.nodeBinary = func(context.Context, store.Home, *term.Step) (string, error) { return "", missing }
			}
			if err := w.recreate(w.options("c", spec(1))); !errors.Is(err, missing) {
				t.Errorf("error %v", err)
			}
			if now := w.look(); strings.Join(now, "\n") != strings.Join(before, "\n") {
				t.Errorf("it gave way:\n%s\nbefore:\n%s", strings.Join(now, "\n"), strings.Join(before, "\n"))
			}

			w.adapt = had
			w.must(w.recreate(w.options("c", spec(1))))
			if now := w.load("c"); now.Image != current || now.Phase != vm.PhaseCreating || len(w.fake.domains) != 2 {
				t.Errorf("it is %+v, with %d domains", now, len(w.fake.domains))
			}
		})
	}
}

// One machine of such a cluster is not thrown away: there is no other like it.
func TestRecreateNodeOfAnEarlierRelease(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(1))))
	w.healthy("c")
	w.ofOldRelease("c")
	w.fake.answer = answering().answer
	err := w.clusters().RecreateNodes(t.Context(), "c", []string{"worker-1"}, true, w.open, quiet)
	if err == nil || !strings.Contains(err.Error(), "was made from it by another release") {
		t.Errorf("error %v", err)
	}
	c := w.load("c")
	if len(w.fake.domains) != 2 || len(c.Joining) > 0 {
		t.Errorf("%d domains, joining %v", len(w.fake.domains), c.Joining)
	}
	if _, err := os.Stat(machineFile(c.Dir, "worker-1", rootOverlay)); err != nil {
		t.Error(err)
	}
}
