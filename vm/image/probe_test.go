package image

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// A machine with nothing but our kernel and initrd says that it boots, and
// powers itself off. Debian comes from the cache, or from a mirror.
func TestProbeBoots(t *testing.T) {
	if testing.Short() {
		t.Skip("boots a machine")
	}
	if err := checkTools(); err != nil {
		t.Skip(err)
	}
	home, err := store.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	base, err := ensureBase(ctx, home, term.NewProgress(os.Stderr, true).Start("Debian"))
	if err != nil {
		t.Fatal(err)
	}
	b := &build{temp: t.TempDir(), base: base}
	if err := b.boot(ctx, nil); err != nil {
		t.Fatal(err)
	}
	for _, machine := range []string{"pc", "q35"} {
		t.Run(machine, func(t *testing.T) {
			console := filepath.Join(t.TempDir(), "console")
			start := time.Now()
			out, err := exec.CommandContext(ctx, qemuCommand,
				"-machine", machine, "-accel", "tcg", "-cpu", "max", "-m", "512",
				"-nodefaults", "-display", "none", "-no-reboot", "-serial", "file:"+console,
				"-kernel", b.path(kernelFile), "-initrd", b.path(initrdFile),
				"-append", "console=ttyS0 quiet "+ProbeArgument).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			text, err := os.ReadFile(console)
			if err != nil || !strings.Contains(string(text), ProbeMarker) {
				t.Errorf("the console says %q, error %v", text, err)
			}
			t.Logf("booted and off after %s", time.Since(start))
		})
	}
}
