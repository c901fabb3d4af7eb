package libvirt

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"axolotl/internal/store"
	"axolotl/vm"
)

// Checks implements vm.Driver.
func (d *Driver) Checks() []vm.HostCheck {
	return []vm.HostCheck{
		{Name: "libvirt answers at " + d.uri, Run: func(context.Context) (string, error) { return d.hypervisor.Version() }},
		{Name: "qemu-img is installed", Run: func(context.Context) (string, error) {
			path, err := exec.LookPath("qemu-img")
			if err != nil {
				return "", fmt.Errorf("%w; install it (Debian: apt-get install qemu-utils)", err)
			}
			return path, nil
		}},
		{Name: "QEMU may enter the state directory", Run: func(context.Context) (string, error) {
			return d.checkTraversable()
		}},
		{Name: "disk space for a machine", Run: func(context.Context) (string, error) {
			dir := existing(d.home.State)
			if err := checkFree(dir, minimumFree); err != nil {
				return "", err
			}
			free, err := store.FreeBytes(dir)
			return fmt.Sprintf("%d GiB free in %s", free>>30, dir), err
		}},
	}
}

// checkTraversable: QEMU of qemu:///system runs as a user of its own, who must
// be able to pass every directory down to the disks.
func (d *Driver) checkTraversable() (string, error) {
	if d.uri != "qemu:///system" {
		return "it runs as you", nil
	}
	for dir := d.home.State; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			continue // made later, with the right mode
		}
		if info.Mode().Perm()&0o001 == 0 {
			return "", fmt.Errorf("other users cannot enter %s (mode %04o), and QEMU of qemu:///system is one: chmod o+x it, set AXOLOTL_HOME to another directory, or use --connect qemu:///session",
				dir, info.Mode().Perm())
		}
	}
	return d.home.State, nil
}

// existing returns dir or the nearest parent that exists.
func existing(dir string) string {
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	return dir
}
