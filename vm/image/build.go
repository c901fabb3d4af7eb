package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// build is one image in the making. Its actions are run in order, by the
// holder of the image's lock.
type build struct {
	home store.Home
	id   string
	temp string // all that is made, until it is whole

	base *base
}

// imagesTar is the archive of the container images, until their content is in
// the root file system.
const imagesTar = "images.tar"

func (b *build) actions() []vm.Action {
	actions := []vm.Action{{Name: "check what building needs", Run: b.preflight}}
	for _, program := range b.programs() {
		actions = append(actions, vm.Action{
			Name: "compile " + program.Name,
			Run: func(ctx context.Context, step *term.Step) error {
				_, err := program.Ensure(ctx, b.home, step)
				return err
			},
		})
	}
	return append(actions,
		vm.Action{Name: "install Debian " + suite + " and its kernel", Run: b.debian},
		vm.Action{Name: "make container images", Run: b.containers},
		vm.Action{Name: "make kernel and initrd", Run: b.boot},
		vm.Action{Name: "make root file system", Run: b.root},
		vm.Action{Name: "import container images into it", Run: b.bake},
		vm.Action{Name: "note digests", Run: b.seal},
	)
}

// programs are the binaries that take long to compile and are not there yet,
// in a fixed order. The small ones are made with their container images.
func (b *build) programs() []Binary {
	all := []Binary{CoreDNS}
	for _, name := range slices.Sorted(maps.Keys(nodePrograms)) {
		all = append(all, nodePrograms[name])
	}
	return slices.DeleteFunc(all, func(program Binary) bool {
		_, err := program.Find(b.home)
		return err == nil
	})
}

func (b *build) preflight(context.Context, *term.Step) error {
	if err := os.RemoveAll(b.temp); err != nil { // of a build that was killed
		return err
	}
	// NOTE: by chmod, whatever the umask: QEMU may run as another user.
	for _, dir := range []string{b.home.Cache, imagesDir(b.home), b.temp} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	return errors.Join(checkTools(), checkSpace(b.home.Cache))
}

func (b *build) debian(ctx context.Context, step *term.Step) (err error) {
	b.base, err = ensureBase(ctx, b.home, step)
	return err
}

func (b *build) containers(ctx context.Context, step *term.Step) error {
	var refs []string
	var images []v1.Image
	for i, c := range containers {
		step.Status("%d/%d %s", i+1, len(containers), c.ref)
		layer, err := c.layer(ctx, b.home, b.base, step)
		if err != nil {
			return fmt.Errorf("image %s: %w", c.ref, err)
		}
		image, err := ociImage(c, layer)
		if err != nil {
			return fmt.Errorf("image %s: %w", c.ref, err)
		}
		refs, images = append(refs, c.ref), append(images, image)
	}
	f, err := os.Create(b.path(imagesTar))
	if err != nil {
		return err
	}
	return errors.Join(writeArchive(f, refs, images), f.Close())
}

func (b *build) boot(context.Context, *term.Step) error {
	if err := os.WriteFile(b.path(kernelFile), b.base.kernel, 0o644); err != nil {
		return err
	}
	f, err := os.Create(b.path(initrdFile))
	if err != nil {
		return err
	}
	return errors.Join(b.base.writeInitrd(f), f.Close())
}

// root makes the root file system. Our own files go to assemble.sh as a tar
// archive on its standard input.
func (b *build) root(ctx context.Context, step *term.Step) error {
	cmd, err := assemble(ctx, b.base.path, b.path("tree"), b.path(rootFile))
	if err != nil {
		return err
	}
	read, write := io.Pipe()
	cmd.Stdin = read
	go func() { write.CloseWithError(b.writeAdditions(write)) }()
	step.Status("copying files, then mke2fs")
	err = runTool(ctx, cmd, nil)
	read.Close() // lets the writer go where the script ended early
	return err
}

// writeAdditions writes what the root file system holds beside Debian.
func (b *build) writeAdditions(w io.Writer) error {
	tree := newTreeTar(w)
	for _, name := range []string{"etc/machine-id", "etc/hostname", "etc/resolv.conf"} {
		tree.file(name, 0o644, nil) // each machine gets its own
	}
	tree.file("etc/hosts", 0o644, []byte("127.0.0.1 localhost\n::1 localhost\n"))
	// The guest agent sets the clock and then runs hwclock, which waits for the
	// next second: 2.5 s on an emulated machine. The real time clock is the
	// host's and needs no setting.
	tree.link("usr/sbin/hwclock", "/usr/bin/true")
	tree.link("etc/systemd/system/default.target", "/usr/lib/systemd/system/multi-user.target")
	err := fs.WalkDir(rootFiles, "rootfs", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := rootFiles.ReadFile(name)
		name = strings.TrimPrefix(name, "rootfs/")
		mode := int64(0o644)
		if executable(name) {
			mode = 0o755
		}
		tree.file(name, mode, data)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(nodePrograms)) {
		path, err := nodePrograms[name].Find(b.home)
		if err != nil {
			return err
		}
		tree.copy(name, 0o755, path)
	}
	for _, name := range components {
		tree.link("usr/local/bin/"+name, Node.Name)
	}
	return tree.Close()
}

// seal notes what the image is made of and gives it its name. From then on it
// counts.
func (b *build) seal(_ context.Context, step *term.Step) error {
	in, err := inputs()
	if err != nil {
		return err
	}
	m := Manifest{ID: b.id, Created: time.Now().UTC(), Inputs: in, Packages: b.base.packages, Files: map[string]digest{}}
	for _, c := range containers {
		m.Containers = append(m.Containers, c.ref)
	}
	for _, name := range []string{kernelFile, initrdFile, rootFile} {
		step.Status("%s", name)
		if err := os.Chmod(b.path(name), 0o644); err != nil {
			return err
		}
		if m.Files[name], err = measure(b.path(name), name == rootFile); err != nil {
			return err
		}
	}
	if err := errors.Join(m.write(b.temp), os.Remove(b.path(imagesTar))); err != nil {
		return err
	}
	dir := imageDir(b.home, b.id)
	if err := os.RemoveAll(dir); err != nil { // a damaged one
		return err
	}
	if err := os.Rename(b.temp, dir); err != nil {
		return err
	}
	return store.Sync(filepath.Dir(dir))
}

func (b *build) path(name string) string { return filepath.Join(b.temp, name) }
