package libvirt

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/vm"
)

// qemuInfo is what qemu-img says of a disk.
func qemuInfo(t *testing.T, path string) (info struct {
	Format  string `json:"format"`
	Size    int64  `json:"virtual-size"`
	Backing string `json:"backing-filename"`
	Under   string `json:"backing-filename-format"`
}) {
	t.Helper()
	out, err := exec.Command("qemu-img", "info", "--output=json", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &info); err != nil {
		t.Fatal(err)
	}
	return info
}

// The overlay of a machine that booted lies over the image, that of a restored
// one over the golden snapshot's overlay, by its real path.
func TestOverlays(t *testing.T) {
	w := newWorld(t)
	w.realDisks = true
	w.golden(spec(0))
	w.must(w.up(w.options("cold", spec(0))))
	w.must(w.up(w.restored("warm", spec(0))))
	img := openImage(t, w)
	golden := w.home.Golden(w.load("warm").Golden)
	for name, want := range map[string]struct{ backing, format string }{
		"cold": {img.Root, "raw"},
		"warm": {machineFile(golden, "cp-1", rootOverlay), "qcow2"},
	} {
		path := machineFile(w.home.Cluster(name), "cp-1", rootOverlay)
		backing, err := filepath.EvalSymlinks(want.backing)
		w.must(err)
		info := qemuInfo(t, path)
		if info.Format != "qcow2" || info.Size != 10<<30 || info.Backing != backing || info.Under != want.format {
			t.Errorf("%s: %+v", name, info)
		}
		stat, err := os.Stat(path)
		if err != nil || stat.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; it holds keys", name, stat.Mode(), err)
		}
	}
	// The golden's seed serves: the machine was seeded by it.
	if _, err := os.Stat(machineFile(w.home.Cluster("warm"), "cp-1", seedFile)); err == nil {
		t.Error("a restored machine has a seed of its own")
	}
}

// What is half-made or cannot be made is no disk, and leaves none.
func TestOverlayThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	path, backing := filepath.Join(dir, "root.qcow2"), filepath.Join(dir, "base")
	if err := makeOverlay(t.Context(), path, backing, "raw", 10); err == nil {
		t.Error("an overlay over nothing")
	}
	if err := os.WriteFile(backing, []byte("no qcow2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeOverlay(t.Context(), path, backing, "qcow2", 10); err == nil || !strings.Contains(err.Error(), "qemu-img create") {
		t.Errorf("over rubbish: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := makeOverlay(ctx, path, backing, "raw", 10); err == nil {
		t.Error("an overlay after the end")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
	// A temporary one of a process that was killed is in nobody's way.
	if err := os.WriteFile(path+".new", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeOverlay(t.Context(), path, backing, "raw", 10); err != nil {
		t.Fatal(err)
	}
	if info := qemuInfo(t, path); info.Size != 10<<30 {
		t.Errorf("%+v", info)
	}
}

// A disk that is too full for a machine is an error with both figures.
func TestCheckFree(t *testing.T) {
	if err := checkFree(t.TempDir(), 1); err != nil {
		t.Error(err)
	}
	err := checkFree(t.TempDir(), 1<<62)
	if err == nil || !strings.Contains(err.Error(), "MiB free") || !strings.Contains(err.Error(), "4398046511104 MiB") {
		t.Errorf("error %v", err)
	}
}

// An overlay that is there is the machine's work and is never made anew.
func TestUpKeepsDisks(t *testing.T) {
	w, _, uuid := running(t)
	path := machineFile(w.home.Cluster("c"), "cp-1", rootOverlay)
	w.must(os.WriteFile(path, []byte("a week of work"), 0o600))
	w.become(uuid, "stopped")
	w.must(w.up(w.options("c", spec(0))))
	if data, err := os.ReadFile(path); err != nil || string(data) != "a week of work" {
		t.Errorf("%q, %v", data, err)
	}
}

// A node image that was made anew has other bytes: no disk that lies over the old one
// is started, and another golden snapshot is taken.
func TestDiskOverAnImageThatWasMadeAnew(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	w.must(w.up(w.restored("restored", spec(1))))
	w.healthy("restored")
	_, err := w.clusters().SaveSnapshot(t.Context(), "restored", "s", w.open, quiet)
	w.must(err)
	w.must(w.up(w.options("booted", spec(0))))
	w.healthy("booted")
	w.imageManifest(openImage(t, w).ID, "other")
	before := w.load("restored").Golden
	w.goldenBeside(spec(1)) // of the image as it is now
	// What is there does not give way to what could not run.
	_, err = w.clusters().RestoreSnapshot(t.Context(), "s", w.restored("restored", spec(1)), quiet)
	if err == nil || !strings.Contains(err.Error(), "cannot be restored") || w.load("restored").Phase != vm.PhaseUp || len(w.fake.domains) != 3 {
		t.Errorf("restore: %v; %d domains", err, len(w.fake.domains))
	}
	for _, name := range []string{"restored", "booted"} {
		c := w.load(name)
		w.become(c.Machines[0].UUID, vm.MachineStopped)
		options := w.options(name, c.Spec)
		if err := w.up(options); err == nil || !strings.Contains(err.Error(), "was made anew since, and has other bytes now; 'axolotl recreate "+name+"'") {
			t.Errorf("up of %s: %v", name, err)
		}
		if err := w.driver().PowerOn(t.Context(), c, "cp-1"); err == nil || !strings.Contains(err.Error(), "was made anew since") {
			t.Errorf("power of %s: %v", name, err)
		}
		if state := w.fake.domains[c.Machines[0].UUID].state; state != vm.MachineStopped {
			t.Errorf("%s is %s", name, state)
		}
		if name == "restored" {
			options = w.restored(name, c.Spec)
		}
		w.must(w.recreate(options))
		w.must(w.up(options))
	}
	if now := w.load("restored").Golden; now == before || now == "" {
		t.Errorf("it was recreated from %q, as before", now)
	}
}
