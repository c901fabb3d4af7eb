package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/image"
)

// minimumFree is what a machine's overlay may grow by before it is looked
// after again, in bytes.
const minimumFree = 2 << 30

// The files that a machine's disks are.
const (
	rootOverlay = "root.qcow2"
	seedFile    = "seed.tar"
)

// ensureDisks makes a machine's overlay and seed where they are missing. The
// overlay of a machine that was restored lies over that of the golden
// snapshot, and so does one that is made anew; its seed is that one's, too.
func (d *Driver) ensureDisks(ctx context.Context, c *vm.Cluster, m *vm.Machine, img *image.Image) (bootFiles, error) {
	if d.remote != nil {
		return d.remote.ensureDisks(ctx, c, m, img)
	}
	dir := c.Path("machines", m.Name)
	boot := bootFiles{
		Kernel: img.Kernel, Initrd: img.Initrd,
		Root: filepath.Join(dir, rootOverlay),
		Seed: filepath.Join(dir, seedFile), Agent: d.agentSocket(m.UUID),
	}
	if err := d.makeAgentDir(boot.Agent); err != nil {
		return boot, err
	}
	backing, format := img.Root, "raw"
	golden, err := d.inGolden(c, m.Name)
	if err != nil {
		return boot, err
	}
	if golden {
		frozen := d.home.Golden(c.Golden)
		backing, format = machineFile(frozen, m.Name, rootOverlay), "qcow2"
		boot.Seed = machineFile(frozen, m.Name, seedFile)
	}
	if err := makeMachineDir(c, m); err != nil {
		return boot, err
	}
	if _, err := os.Stat(boot.Root); errors.Is(err, fs.ErrNotExist) {
		if err := checkFree(dir, minimumFree); err != nil {
			return boot, err
		}
		if golden {
			err = d.noteGoldenNeighbours(c, m)
		} else {
			err = store.WriteFile(filepath.Join(dir, baseFile), []byte(img.RootDigest()), 0o600)
		}
		if err != nil {
			return boot, err
		}
		if err := d.overlay(ctx, boot.Root, backing, format, c.Spec.DiskGiB); err != nil {
			return boot, err
		}
	} else if err != nil {
		return boot, err
	}
	if err := d.sameBase(c, m, img); err != nil || golden {
		return boot, err
	}
	return boot, writeSeed(boot.Seed, c, m)
}

// makeMachineDir makes the directory of a machine's files. QEMU of
// qemu:///system runs as its own user, and enters it; the files themselves are
// given to that by libvirt while it runs.
func makeMachineDir(c *vm.Cluster, m *vm.Machine) error {
	return os.MkdirAll(c.Path("machines", m.Name), 0o755)
}

// inGolden tells whether a machine is one of the golden snapshot that its
// cluster was restored from. One that joined by booting is not, whatever its name
// is.
func (d *Driver) inGolden(c *vm.Cluster, machine string) (bool, error) {
	if m := c.Machine(machine); c.Golden == "" || m != nil && m.Fresh {
		return false, nil
	}
	_, err := os.Stat(machineFile(d.home.Golden(c.Golden), machine, rootOverlay))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// makeOverlay makes a qcow2 file over a backing file that is only read, under
// a temporary name first so that a half-made one is never booted.
func makeOverlay(ctx context.Context, path, backing, format string, sizeGiB int) error {
	// The file keeps the name, and a golden snapshot outlives a cache
	// directory that was only a link to the real one.
	backing, err := filepath.EvalSymlinks(backing)
	if err != nil {
		return err
	}
	temporary := path + ".new"
	out, err := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2",
		"-b", backing, "-F", format, temporary, fmt.Sprintf("%dG", sizeGiB)).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w; install it (Debian: apt-get install qemu-utils)", err)
	}
	if err != nil {
		os.Remove(temporary)
		return fmt.Errorf("qemu-img create: %w: %s", err, strings.TrimSpace(string(out)))
	}
	// It holds the machine's keys. libvirt gives it to QEMU's user.
	if err := os.Chmod(temporary, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// checkFree returns an error with both figures where dir's disk has fewer
// than needed bytes left.
func checkFree(dir string, needed uint64) error {
	free, err := store.FreeBytes(dir)
	if err != nil {
		return err
	}
	if free < needed {
		return fmt.Errorf("%s has %d MiB free and a machine needs %d MiB; free some, or run 'axolotl image prune'",
			dir, free>>20, needed>>20)
	}
	return nil
}
