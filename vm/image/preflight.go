package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// spaceNeeded is what building takes at most, in bytes, beside Go's own caches:
// 2 GiB were measured (Debian as an archive and as a tree, the programs, the
// container images, the root file system), and half of that on top.
const spaceNeeded = 3 << 30

const qemuCommand = "qemu-system-x86_64"

// tool is a program that building calls, and the Debian package that has it.
type tool struct{ name, pkg string }

// checkTools returns an error that names all that is missing at once.
func checkTools() error {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("the node image is made for amd64 only, and this is %s; use --driver local", runtime.GOARCH)
	}
	tools := []tool{{"mmdebstrap", "mmdebstrap"}, {"apt-get", "apt"}, {"mke2fs", "e2fsprogs"}, {"tar", "tar"}, {qemuCommand, "qemu-system-x86"}}
	if os.Geteuid() != 0 {
		tools = append(tools, tool{"fakeroot", "fakeroot"}, tool{"newuidmap", "uidmap"})
	}
	var errs []error
	for _, t := range tools {
		if _, err := findTool(t.name); err != nil {
			errs = append(errs, fmt.Errorf("%w; install it (Debian: apt-get install %s)", err, t.pkg))
		}
	}
	return errors.Join(errs...)
}

// checkSpace returns an error where a directory's file system has too little.
func checkSpace(dir string) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return fmt.Errorf("free space of %s: %w", dir, err)
	}
	free := int64(stat.Bavail) * stat.Bsize
	if free < spaceNeeded {
		return fmt.Errorf("building the node image needs %d bytes in %s, and %d are free; make room, or set AXOLOTL_HOME to a directory on another disk",
			int64(spaceNeeded), filepath.Clean(dir), free)
	}
	return nil
}
