package image

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// ProbeMarker is what a machine prints on its console when it is booted with
// ProbeArgument on the kernel command line: the proof that a guest boots. It
// then powers off; it needs no disk.
const (
	ProbeMarker   = "axolotl-probe-ok"
	ProbeArgument = "axolotl.probe"
)

// initrdModulesWanted are what a machine needs to find its root disk. The file
// system itself is part of Debian's cloud kernel.
var initrdModulesWanted = []string{"virtio_pci", "virtio_blk"}

// modulesDir is where kernel modules lie, under the kernel's version.
const modulesDir = "usr/lib/modules/"

// module is a kernel module with its path below modulesDir/VERSION.
type module struct {
	path string
	data []byte
}

// initrdModules returns the wanted modules and what they depend on, in the
// order of loading, from the text of modules.dep: "path: path path".
func initrdModules(dep []byte) ([]module, error) {
	needs := map[string][]string{}
	file := map[string]string{} // by the module's name
	for lines := bufio.NewScanner(bytes.NewReader(dep)); lines.Scan(); {
		name, deps, _ := strings.Cut(lines.Text(), ":")
		needs[name] = strings.Fields(deps)
		file[strings.TrimSuffix(path.Base(name), ".ko")] = name
	}
	var ordered []module
	var add func(name string)
	add = func(name string) {
		if slices.ContainsFunc(ordered, func(m module) bool { return m.path == name }) {
			return
		}
		for _, needed := range needs[name] {
			add(needed)
		}
		ordered = append(ordered, module{path: name})
	}
	for _, wanted := range initrdModulesWanted {
		name, ok := file[wanted]
		if !ok {
			return nil, fmt.Errorf("%s has no uncompressed module %s", kernelPackage, wanted)
		}
		add(name)
	}
	return ordered, nil
}

// readModules fills in the modules' content.
func (b *base) readModules() error {
	err := readTar(b.path, func(name string) *[]byte {
		if !strings.HasPrefix(name, modulesDir) {
			return nil
		}
		_, name, _ = strings.Cut(strings.TrimPrefix(name, modulesDir), "/")
		for i := range b.modules {
			if b.modules[i].path == name {
				return &b.modules[i].data
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range b.modules {
		if len(m.data) == 0 {
			return fmt.Errorf("%s has no module %s; remove it and build again", b.path, m.path)
		}
	}
	return nil
}

// writeInitrd writes the initrd: busybox, the modules and a script. It is not
// compressed, for an emulated machine reads faster than it unpacks.
func (b *base) writeInitrd(w io.Writer) error {
	archive := cpio.NewWriter(w)
	add := func(name string, mode cpio.FileMode, data []byte) error {
		err := archive.WriteHeader(&cpio.Header{Name: name, Mode: mode, ModTime: imageTime, Size: int64(len(data))})
		if err == nil {
			_, err = archive.Write(data)
		}
		if err != nil {
			return fmt.Errorf("initrd: %s: %w", name, err)
		}
		return nil
	}
	for _, dir := range []string{"bin", "dev", "modules", "proc", "root"} {
		if err := add(dir, cpio.TypeDir|0o755, nil); err != nil {
			return err
		}
	}
	if err := add("bin/busybox", cpio.TypeReg|0o755, b.busybox); err != nil {
		return err
	}
	if err := add("init", cpio.TypeReg|0o755, initScript); err != nil {
		return err
	}
	if err := add("import", cpio.TypeReg|0o644, importScript); err != nil {
		return err
	}
	for i, m := range b.modules { // the script loads them in the order of their names
		if err := add(fmt.Sprintf("modules/%02d-%s", i, path.Base(m.path)), cpio.TypeReg|0o644, m.data); err != nil {
			return err
		}
	}
	return archive.Close()
}
