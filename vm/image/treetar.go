package image

import (
	"archive/tar"
	"io"
	"os"
	"path"
)

// treeTar writes a tree of files as a tar archive in which nothing depends on
// when, where or by whom it is written: root owns all, and the time is
// imageTime. Directories above a file are written before it. The first error
// stops it, and Close returns it.
type treeTar struct {
	w    *tar.Writer
	seen map[string]bool
	err  error
}

func newTreeTar(w io.Writer) *treeTar {
	return &treeTar{w: tar.NewWriter(w), seen: map[string]bool{".": true, "/": true}}
}

func (t *treeTar) header(h tar.Header) {
	if parent := path.Dir(h.Name); t.err == nil && !t.seen[parent] {
		t.dir(parent, 0o755)
	}
	if t.err != nil {
		return
	}
	h.ModTime, h.Format = imageTime, tar.FormatPAX
	t.err = t.w.WriteHeader(&h)
}

// dir writes a directory; its permissions may have the sticky bit (0o1777).
func (t *treeTar) dir(name string, mode int64) {
	if t.seen[name] {
		return
	}
	t.seen[name] = true
	t.header(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func (t *treeTar) file(name string, mode int64, data []byte) {
	t.header(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(data))})
	if t.err == nil {
		_, t.err = t.w.Write(data)
	}
}

// copy writes a file of the host.
func (t *treeTar) copy(name string, mode int64, from string) {
	f, err := os.Open(from)
	if err != nil {
		t.fail(err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.fail(err)
		return
	}
	t.stream(name, mode, info.Size(), f)
}

// stream writes a file of so many bytes.
func (t *treeTar) stream(name string, mode, size int64, from io.Reader) {
	t.header(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size})
	if t.err == nil {
		_, t.err = io.Copy(t.w, from)
	}
}

func (t *treeTar) link(name, target string) {
	t.header(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
}

func (t *treeTar) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// Close ends the archive and returns the first error.
func (t *treeTar) Close() error {
	if t.err != nil {
		return t.err
	}
	return t.w.Close()
}
