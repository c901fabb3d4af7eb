package image

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// archive is a tar archive of images, whose files are read where they lie.
type archive struct {
	file  *os.File
	files map[string]*io.SectionReader // by path
	temp  string                       // of the archive where it was compressed
}

// openArchive opens an archive of images. One that is compressed is unpacked
// into temp first.
func openArchive(ctx context.Context, from, temp string) (_ *archive, err error) {
	a := &archive{files: map[string]*io.SectionReader{}}
	if a.file, err = os.Open(from); err != nil {
		return nil, errors.Unwrap(err) // the caller says of which file
	}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	magic := make([]byte, 2)
	if _, err := a.file.ReadAt(magic, 0); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if err := a.unzip(ctx, temp); err != nil {
			return nil, fmt.Errorf("unpack it: %w", err)
		}
	}
	for entries := tar.NewReader(a.file); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, fmt.Errorf("no archive of images: %w", err)
		}
		// NOTE: the reader has read the header, and nothing of what follows.
		at, err := a.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if entry.Typeflag == tar.TypeReg {
			a.files[path.Clean(entry.Name)] = io.NewSectionReader(a.file, at, entry.Size)
		}
	}
}

// unzip puts the unpacked archive into the place of the compressed one.
func (a *archive) unzip(ctx context.Context, temp string) error {
	compressed := a.file
	defer compressed.Close()
	plain, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	a.file, a.temp = plain, temp
	content, err := gzip.NewReader(compressed)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { compressed.Close() })
	defer stop()
	if _, err := io.Copy(plain, content); err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	_, err = plain.Seek(0, io.SeekStart)
	return err
}

// close closes the archive, and removes what was unpacked of it.
func (a *archive) close() {
	if a.temp != "" {
		os.Remove(a.temp)
	}
	a.file.Close()
}

// images returns the images of the archive. One that is both kinds, as newer
// 'docker save' makes it, is read as a docker-archive: there the images are
// whole, while the index may name some that were left out.
func (a *archive) images() ([]named, error) {
	switch {
	case a.files["manifest.json"] != nil:
		return a.dockerImages()
	case a.files["index.json"] != nil:
		return a.ociImages()
	}
	return nil, errors.New("no archive of images: it has neither manifest.json nor index.json; make one with 'docker save NAME:TAG', or 'skopeo copy … oci-archive:FILE:NAME:TAG'")
}

// read decodes a JSON file of the archive.
func (a *archive) read(name string, into any) error {
	file := a.files[path.Clean(name)]
	if file == nil {
		return fmt.Errorf("damaged: it lacks %s", name)
	}
	if err := json.NewDecoder(section(file)).Decode(into); err != nil {
		return fmt.Errorf("damaged: %s: %w", name, err)
	}
	return nil
}

// section is a reader of its own of a file of the archive.
func section(file *io.SectionReader) io.Reader { return io.NewSectionReader(file, 0, file.Size()) }

// ociImages are the images of the index. Of one for several processors it is
// that for ours.
func (a *archive) ociImages() ([]named, error) {
	var index v1.IndexManifest
	if err := a.read("index.json", &index); err != nil {
		return nil, err
	}
	var all []named
	for _, descriptor := range index.Manifests {
		ref := cmp.Or(descriptor.Annotations[containerdName], descriptor.Annotations["org.opencontainers.image.ref.name"])
		if !strings.ContainsAny(ref, ":/") {
			return nil, fmt.Errorf("image %s has no name but %q; give it one: 'skopeo copy … oci-archive:FILE:NAME:TAG'", descriptor.Digest, ref)
		}
		full, err := fullName(ref)
		if err != nil {
			return nil, err
		}
		image, err := a.ociImage(descriptor)
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", ref, err)
		}
		all = append(all, named{[]string{full}, image})
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no image")
	}
	return all, nil
}

func (a *archive) ociImage(descriptor v1.Descriptor) (v1.Image, error) {
	if descriptor.MediaType.IsIndex() {
		var index v1.IndexManifest
		if err := a.read(blobPath(descriptor.Digest), &index); err != nil {
			return nil, err
		}
		for _, d := range index.Manifests {
			if d.Platform != nil && d.Platform.OS == "linux" && d.Platform.Architecture == runtime.GOARCH {
				return a.ociImage(d)
			}
		}
		return nil, fmt.Errorf("there is none for linux/%s in it", runtime.GOARCH)
	}
	manifest, err := a.blob(descriptor.Digest)
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(&ociCore{archive: a, manifest: manifest, mediaType: descriptor.MediaType})
}

func blobPath(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }

// blob reads a small blob, a manifest or a configuration.
func (a *archive) blob(digest v1.Hash) ([]byte, error) {
	file := a.files[blobPath(digest)]
	if file == nil {
		return nil, fmt.Errorf("damaged: it lacks %s", digest)
	}
	const most = 8 << 20 // bytes; registries refuse larger manifests
	if file.Size() > most {
		return nil, fmt.Errorf("damaged: %s has %d bytes", digest, file.Size())
	}
	return io.ReadAll(section(file))
}

// ociCore is an image in an OCI archive, as far as the library needs it.
type ociCore struct {
	archive   *archive
	manifest  []byte
	mediaType types.MediaType
}

func (c *ociCore) MediaType() (types.MediaType, error) { return c.mediaType, nil }
func (c *ociCore) RawManifest() ([]byte, error)        { return c.manifest, nil }

func (c *ociCore) RawConfigFile() ([]byte, error) {
	manifest, err := v1.ParseManifest(bytes.NewReader(c.manifest))
	if err != nil {
		return nil, err
	}
	return c.archive.blob(manifest.Config.Digest)
}

func (c *ociCore) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	manifest, err := v1.ParseManifest(bytes.NewReader(c.manifest))
	if err != nil {
		return nil, err
	}
	for _, descriptor := range manifest.Layers {
		if file := c.archive.files[blobPath(digest)]; descriptor.Digest == digest && file != nil {
			return ociLayer{descriptor, file}, nil
		}
	}
	return nil, fmt.Errorf("damaged: it lacks layer %s", digest)
}

// ociLayer is a layer as it is stored.
type ociLayer struct {
	descriptor v1.Descriptor
	file       *io.SectionReader
}

func (l ociLayer) Digest() (v1.Hash, error)            { return l.descriptor.Digest, nil }
func (l ociLayer) Size() (int64, error)                { return l.file.Size(), nil }
func (l ociLayer) MediaType() (types.MediaType, error) { return l.descriptor.MediaType, nil }
func (l ociLayer) Compressed() (io.ReadCloser, error)  { return io.NopCloser(section(l.file)), nil }
