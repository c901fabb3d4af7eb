package image

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// containerdName is the annotation by which containerd names what it imports;
// the one of OCI holds a tag only.
const containerdName = "io.containerd.image.name"

// ociImage makes an image of one uncompressed layer.
func ociImage(c container, layer []byte) (v1.Image, error) {
	if _, err := name.NewTag(c.ref, name.StrictValidation); err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.AppendLayers(image, static.NewLayer(layer, types.OCIUncompressedLayer))
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Created = v1.Time{Time: imageTime}
	config.Config = v1.Config{
		User:       c.user,
		Entrypoint: c.entrypoint,
		Cmd:        c.cmd,
		Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		WorkingDir: "/",
		StopSignal: c.stopSignal,
	}
	for _, port := range c.ports {
		if config.Config.ExposedPorts == nil {
			config.Config.ExposedPorts = map[string]struct{}{}
		}
		config.Config.ExposedPorts[port] = struct{}{}
	}
	return mutate.ConfigFile(image, config)
}

// writeArchive writes images, by their names, as one OCI archive, which
// "ctr images import" takes. The same images give the same bytes; go-
// containerregistry's own archive writer goes through a map.
func writeArchive(w io.Writer, refs []string, images []v1.Image) error {
	tree := newTreeTar(w)
	tree.file("oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`))
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for i, image := range images {
		tag, err := name.NewTag(refs[i])
		if err != nil {
			return err
		}
		if err := writeBlobs(tree, image); err != nil {
			return fmt.Errorf("image %s: %w", refs[i], err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image,
			Descriptor: v1.Descriptor{Annotations: map[string]string{
				containerdName:                      refs[i],
				"org.opencontainers.image.ref.name": tag.TagStr(),
			}},
		})
	}
	raw, err := index.RawManifest()
	if err != nil {
		return err
	}
	tree.file("index.json", 0o644, raw)
	return tree.Close()
}

// writeBlobs writes manifest, configuration and layers of an image, each once.
// One whose content is not what its digest says is an error.
func writeBlobs(tree *treeTar, image v1.Image) error {
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	manifest, err := image.RawManifest()
	if err != nil {
		return err
	}
	if err := writeBlob(tree, digest, int64(len(manifest)), bytes.NewReader(manifest)); err != nil {
		return err
	}
	configDigest, err := image.ConfigName()
	if err != nil {
		return err
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}
	if err := writeBlob(tree, configDigest, int64(len(config)), bytes.NewReader(config)); err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := writeLayer(tree, layer); err != nil {
			return err
		}
	}
	return nil
}

// writeLayer writes a layer as it is stored: ours are not compressed.
func writeLayer(tree *treeTar, layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	size, err := layer.Size()
	if err != nil {
		return err
	}
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	return writeBlob(tree, digest, size, content)
}

func writeBlob(tree *treeTar, digest v1.Hash, size int64, content io.Reader) error {
	path := "blobs/" + digest.Algorithm + "/" + digest.Hex
	if tree.seen[path] {
		return nil
	}
	tree.seen[path] = true
	hasher, err := v1.Hasher(digest.Algorithm)
	if err != nil {
		return err
	}
	tree.stream(path, 0o644, size, io.TeeReader(content, hasher))
	if found := hex.EncodeToString(hasher.Sum(nil)); tree.err == nil && found != digest.Hex {
		return fmt.Errorf("damaged: %s has the digest %s", digest, found)
	}
	return tree.err
}
