package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// base is Debian with its kernel as mmdebstrap makes it, and what other parts
// of an image take out of it. It is kept, so that a change in our own files
// does not install Debian again.
type base struct {
	path     string // a tar archive of the tree
	kernel   []byte
	busybox  []byte
	applets  []byte            // names, one a line
	packages map[string]string // to versions
	modules  []module          // that an initrd needs, in the order of loading
}

// baseOptions keep out of the tree what no guest reads.
var baseOptions = []string{
	"--verbose", "--variant=essential",
	"--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
	"--dpkgopt=path-exclude=/usr/share/doc/*",
	"--dpkgopt=path-exclude=/usr/share/info/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*",
	"--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/lib/udev/hwdb.d/*",
	"--dpkgopt=path-exclude=/usr/lib/udev/hwdb.d/*",
}

// baseHash is over all that mmdebstrap is told, except the mirrors: they all
// carry the same.
func baseHash() string {
	return hash(suite, kernelPackage, strings.Join(debianPackages, ","), strings.Join(baseOptions, " "), baseHook)
}

// ensureBase returns the base, which it makes where it is missing or damaged.
func ensureBase(ctx context.Context, home store.Home, step *term.Step) (*base, error) {
	path := basePath(home)
	if checkDigest(path) != nil {
		lock, err := waitLock(ctx, path+".lock", "Debian", step)
		if err != nil {
			return nil, err
		}
		defer lock.Unlock()
		if checkDigest(path) != nil {
			if err := makeBase(ctx, path, step); err != nil {
				return nil, err
			}
		}
	}
	return readBase(path)
}

func basePath(home store.Home) string {
	return filepath.Join(home.Cache, "base", suite+"-"+baseHash()[:12]+".tar")
}

func makeBase(ctx context.Context, path string, step *term.Step) error {
	temp := path + ".building"
	defer os.Remove(temp)
	args := append([]string{}, baseOptions...)
	args = append(args,
		"--include="+strings.Join(debianPackages, ","),
		"--customize-hook="+baseHook,
	)
	for _, option := range hostAptOptions(ctx) {
		args = append(args, "--aptopt="+option)
	}
	args = append(args, "--format=tar", suite, temp)
	args = append(args, debianSources(ctx)...)
	mmdebstrap, err := findTool("mmdebstrap")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mmdebstrap, args...)
	cmd.Env = append(os.Environ(), "KERNEL_PACKAGE="+kernelPackage, "LC_ALL=C.UTF-8",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", imageTime.Unix()))
	unpacked, set := 0, 0
	err = runTool(ctx, cmd, func(line string) {
		switch name, _, _ := strings.Cut(line, " ("); {
		case strings.HasPrefix(name, "Unpacking "):
			unpacked++
		case strings.HasPrefix(name, "Setting up "):
			set++
		case strings.HasPrefix(line, "I: "), strings.HasPrefix(line, "Get:"):
		default:
			return
		}
		step.Status("%d packages unpacked, %d set up: %s", unpacked, set, line)
	})
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w; check that a Debian mirror can be reached (apt-get update)", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return noteDigest(path)
}

// readBase reads out of the base what other parts are made of.
func readBase(path string) (*base, error) {
	const modulesDep = "modules.dep"
	b := &base{path: path}
	var status, kernel, dep []byte
	err := readTar(path, func(name string) *[]byte {
		switch name {
		case "boot/vmlinuz":
			return &b.kernel
		case "usr/bin/busybox":
			return &b.busybox
		case "usr/share/axolotl/busybox-applets":
			return &b.applets
		case "usr/share/axolotl/kernel":
			return &kernel
		case "var/lib/dpkg/status":
			return &status
		}
		if strings.HasPrefix(name, modulesDir) && filepath.Base(name) == modulesDep {
			return &dep
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{"kernel": b.kernel, "busybox": b.busybox, "busybox's applets": b.applets, "package list": status, modulesDep: dep} {
		if len(data) == 0 {
			return nil, fmt.Errorf("%s has no %s; remove it and build again", path, name)
		}
	}
	b.packages = packageVersions(status)
	if name, version, ok := strings.Cut(strings.TrimSpace(string(kernel)), "\t"); ok {
		b.packages[name] = version
	}
	if b.modules, err = initrdModules(dep); err != nil {
		return nil, err
	}
	return b, b.readModules()
}

// packageVersions reads dpkg's status file.
func packageVersions(status []byte) map[string]string {
	versions := map[string]string{}
	name := ""
	lines := bufio.NewScanner(bytes.NewReader(status))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "Package":
			name = value
		case "Version":
			versions[name] = value
		}
	}
	return versions
}

// readTar reads the regular files of a tar archive for which where returns a
// place. Names have no leading "./".
func readTar(path string, where func(name string) *[]byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for archive := tar.NewReader(f); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s is damaged: %w; remove it and build again", path, err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if data := where(strings.TrimPrefix(header.Name, "./")); data != nil {
			if *data, err = io.ReadAll(archive); err != nil {
				return fmt.Errorf("%s is damaged: %w; remove it and build again", path, err)
			}
		}
	}
}
