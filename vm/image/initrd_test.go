package image

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cavaliergopher/cpio"
)

const sampleDep = `kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/fs/xfs/xfs.ko: kernel/lib/libcrc32c.ko
`

func TestInitrdModulesInOrder(t *testing.T) {
	modules, err := initrdModules([]byte(sampleDep))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range modules {
		got = append(got, filepath.Base(m.path))
	}
	want := []string{"virtio.ko", "virtio_ring.ko", "virtio_pci.ko", "virtio_blk.ko"}
	if !slices.Equal(got, want) {
		t.Errorf("loaded as %q, want %q", got, want)
	}
	if _, err := initrdModules([]byte("kernel/virtio_blk.ko.xz:\n")); err == nil {
		t.Error("compressed modules, which the initrd cannot load, pass")
	}
}

func TestInitrd(t *testing.T) {
	b := &base{busybox: []byte("ELF"), modules: []module{{"kernel/virtio.ko", []byte("m1")}, {"kernel/virtio_blk.ko", []byte("m2")}}}
	var first, second bytes.Buffer
	if err := errors.Join(b.writeInitrd(&first), b.writeInitrd(&second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two runs give two initrds")
	}
	files := map[string]cpio.FileMode{}
	for r := cpio.NewReader(&first); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = header.Mode.Perm()
	}
	for name, mode := range map[string]cpio.FileMode{"init": 0o755, "import": 0o644, "bin/busybox": 0o755, "modules/00-virtio.ko": 0o644, "modules/01-virtio_blk.ko": 0o644, "root": 0o755} {
		if files[name] != mode {
			t.Errorf("%s has mode %o, want %o", name, files[name], mode)
		}
	}
}
