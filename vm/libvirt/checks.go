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
	var all []vm.HostCheck
	for _, p := range d.places(nil) {
		all = append(all, p.checks()...)
	}
	return all
}

// checks are those of one host.
func (d *Driver) checks() []vm.HostCheck {
	place := vm.HostCheck{Name: "which libvirt to use", Run: func(context.Context) (string, error) { return d.where(), d.checkPlace() }}
	if d.checkPlace() != nil {
		return []vm.HostCheck{place} // it is not even connected to
	}
	answers := vm.HostCheck{Name: "libvirt answers at " + d.uri, Run: func(ctx context.Context) (string, error) { return unless(ctx, d.hypervisor.Version) }}
	if d.remote != nil {
		return []vm.HostCheck{place, d.checkRemote(), answers}
	}
	return []vm.HostCheck{
		place,
		answers,
		d.checkRestored(),
		{Name: "qemu-img is installed", Run: func(context.Context) (string, error) {
			path, err := exec.LookPath("qemu-img")
			if err != nil {
				return "", fmt.Errorf("%w; install it (Debian: apt-get install qemu-utils)", err)
			}
			return path, nil
		}},
		d.checkUser(),
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

// checkRestored is about the form that was ordered; what serves is proved later.
func (d *Driver) checkRestored() vm.HostCheck {
	return vm.HostCheck{Name: "how machines are restored", Run: func(context.Context) (string, error) {
		if d.restore == "" {
			return "as a proof says ('axolotl doctor --prove' shows it)", nil
		}
		return d.restore + ", as " + RestoreVariable + " says", checkRestore(d.restore)
	}}
}

// checkRemote is about the host of the machines, where that is another one.
func (d *Driver) checkRemote() vm.HostCheck {
	return vm.HostCheck{Name: d.remote.host + " can be given disks", Run: func(ctx context.Context) (string, error) {
		found, err := d.remote.check(ctx)
		if err != nil {
			return "", err
		}
		if found.FreeBytes < minimumFree {
			return "", fmt.Errorf("%s has %d MiB free for %s, and a machine needs %d MiB; free some there",
				d.remote.host, found.FreeBytes>>20, found.Base, minimumFree>>20)
		}
		return fmt.Sprintf("%s: %d GiB free for %s", found.System, found.FreeBytes>>30, found.Base), nil
	}}
}

// checkUser is about what the user that QEMU runs as can reach.
func (d *Driver) checkUser() vm.HostCheck {
	if isSession(d.uri) {
		return vm.HostCheck{Name: "sockets of your own libvirt", Run: func(context.Context) (string, error) { return d.checkSession() }}
	}
	return vm.HostCheck{Name: "QEMU may enter the state directory", Run: func(context.Context) (string, error) { return d.checkTraversable() }}
}

// checkPlace refuses a libvirt with which machines cannot be made from here.
func (d *Driver) checkPlace() error {
	if err := checkURI(d.uri, os.Geteuid()); err != nil {
		return fmt.Errorf("--connect %s: %w", d.uri, err)
	}
	return nil
}

// checkTraversable: QEMU of qemu:///system runs as a user of its own, who must
// be able to pass every directory down to the disks.
func (d *Driver) checkTraversable() (string, error) {
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
