package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// app is an image of two layers, for a processor.
func app(t *testing.T, architecture string) v1.Image {
	t.Helper()
	image, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", architecture
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}

// dockerSave writes images as 'docker save' does.
func dockerSave(t *testing.T, images map[string]v1.Image) []byte {
	t.Helper()
	all := map[name.Reference]v1.Image{}
	for ref, image := range images {
		tag, err := name.NewTag(ref)
		if err != nil {
			t.Fatal(err)
		}
		all[tag] = image
	}
	var data bytes.Buffer
	if err := tarball.MultiRefWrite(all, &data); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// ociArchive writes an image as 'skopeo copy' does.
func ociArchive(t *testing.T, ref string, image mutate.Appendable) []byte {
	t.Helper()
	dir := t.TempDir()
	path, err := layout.Write(dir, mutate.IndexMediaType(empty.Index, "application/vnd.oci.image.index.v1+json"))
	if err != nil {
		t.Fatal(err)
	}
	annotation := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": ref})
	switch image := image.(type) {
	case v1.Image:
		err = path.AppendImage(image, annotation)
	case v1.ImageIndex:
		err = path.AppendIndex(image, annotation)
	}
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	archive := tar.NewWriter(&data)
	if err := archive.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// repack runs Repack on archives and returns its archive, unpacked.
func repack(t *testing.T, archives ...[]byte) (refs []string, index v1.ImageIndex, err error) {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i, data := range archives {
		path := filepath.Join(dir, string(rune('a'+i))+".tar")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	to := filepath.Join(dir, "out")
	refs, err = Repack(t.Context(), to, paths...)
	left, globErr := filepath.Glob(to + "*")
	if want := map[bool]int{true: 1}[err == nil]; globErr != nil || len(left) != want {
		t.Errorf("left: %v, %v", left, globErr)
	}
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	path, err := layout.FromPath(unpack(t, data))
	if err != nil {
		t.Fatal(err)
	}
	if index, err = path.ImageIndex(); err != nil {
		t.Fatal(err)
	}
	return refs, index, nil
}

// Images of every kind of archive come out whole, under their full names.
func TestRepack(t *testing.T) {
	first, second, third := app(t, runtime.GOARCH), app(t, runtime.GOARCH), app(t, runtime.GOARCH)
	foreign := app(t, "s390x")
	many := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: foreign, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}},
		mutate.IndexAddendum{Add: third, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}}})
	refs, index, err := repack(t,
		zipped(t, dockerSave(t, map[string]v1.Image{"first:1": first})),
		zipped(t, ociArchive(t, "quay.io/team/second:2", second)),
		ociArchive(t, "third:3", many))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"docker.io/library/first:1", "quay.io/team/second:2", "docker.io/library/third:3"}; !slices.Equal(refs, want) {
		t.Errorf("names %v, want %v", refs, want)
	}
	// NOTE: fast, for the full check takes every layer for a compressed one.
	if err := validate.Index(index, validate.Fast); err != nil {
		t.Error(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for i, from := range []v1.Image{first, second, third} {
		if got := manifest.Manifests[i].Annotations[containerdName]; got != refs[i] {
			t.Errorf("image %d is named %q", i, got)
		}
		image, err := index.Image(manifest.Manifests[i].Digest)
		if err != nil {
			t.Fatal(err)
		}
		// The configuration's digest holds those of the layers' contents.
		want, err := from.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := image.ConfigName(); err != nil || got != want {
			t.Errorf("%s is %s, was %s: %v", refs[i], got, want, err)
		}
	}
}

// What machines could not run or find, or what is not whole, is told before
// anything is attached anywhere.
func TestRepackRefuses(t *testing.T) {
	good := dockerSave(t, map[string]v1.Image{"good:1": app(t, runtime.GOARCH)})
	oci := ociArchive(t, "good:1", app(t, runtime.GOARCH))
	for what, test := range map[string]struct {
		archives [][]byte
		want     string
	}{
		"no archive":       {[][]byte{[]byte(strings.Repeat("no archive", 100))}, "no archive of images"},
		"another archive":  {[][]byte{tarOf(t, "etc/passwd", "x")}, "it has neither manifest.json nor index.json"},
		"cut short":        {[][]byte{good[:len(good)/2]}, "a.tar: "},
		"cut short, gzip":  {[][]byte{zipped(t, good)[:500]}, "unpack it: unexpected EOF"},
		"written over":     {[][]byte{flipped(t, oci)}, "damaged: sha256:"},
		"another machine":  {[][]byte{dockerSave(t, map[string]v1.Image{"alien:1": app(t, "s390x")})}, "image docker.io/library/alien:1: it is for linux/s390x"},
		"no name":          {[][]byte{ociArchive(t, "latest", app(t, runtime.GOARCH))}, `has no name but "latest"`},
		"twice":            {[][]byte{good, good}, "docker.io/library/good:1 is in another archive"},
		"broken manifest":  {[][]byte{tarOf(t, "manifest.json", "{")}, "manifest.json"},
		"nothing in it":    {[][]byte{tarOf(t, "index.json", `{"schemaVersion":2}`)}, "it holds no image"},
		"index, no images": {[][]byte{tarOf(t, "index.json", `{"manifests":[{"digest":"sha256:`+strings.Repeat("0", 64)+`","annotations":{"org.opencontainers.image.ref.name":"a:1"}}]}`)}, "damaged: it lacks sha256:"},
	} {
		if _, _, err := repack(t, test.archives...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", what, err, test.want)
		}
	}
}

func tarOf(t *testing.T, name, text string) []byte {
	t.Helper()
	var data bytes.Buffer
	archive := tar.NewWriter(&data)
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(archive, text); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// flipped is an archive with one bit of a layer changed: the largest file of
// it, at its end.
func flipped(t *testing.T, data []byte) []byte {
	t.Helper()
	reader := bytes.NewReader(data)
	var at, size int64
	for archive := tar.NewReader(reader); ; {
		entry, err := archive.Next()
		if err != nil {
			break
		}
		if entry.Size > size {
			at, size = int64(len(data)-reader.Len()), entry.Size
		}
	}
	changed := bytes.Clone(data)
	changed[at+size-1] ^= 1
	return changed
}
