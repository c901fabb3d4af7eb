package image

import (
	"errors"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// dockerImages are the images of a docker-archive.
func (a *archive) dockerImages() ([]named, error) {
	whole := io.NewSectionReader(a.file, 0, 1<<62)
	opener := func() (io.ReadCloser, error) { return io.NopCloser(section(whole)), nil }
	manifest, err := tarball.LoadManifest(opener)
	if err != nil {
		return nil, fmt.Errorf("manifest.json: %w", err)
	}
	var all []named
	for _, descriptor := range manifest {
		if len(descriptor.RepoTags) == 0 {
			return nil, errors.New("it holds an image without a name; save it by its name: 'docker save NAME:TAG'")
		}
		tag, err := name.NewTag(descriptor.RepoTags[0])
		if err != nil {
			return nil, err
		}
		image, err := tarball.Image(opener, &tag)
		if err == nil {
			image, err = uncompressed(image)
		}
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", tag, err)
		}
		n := named{image: image}
		for _, ref := range descriptor.RepoTags {
			full, err := fullName(ref)
			if err != nil {
				return nil, err
			}
			n.refs = append(n.refs, full)
		}
		all = append(all, n)
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no image")
	}
	return all, nil
}

// uncompressed is an image of a docker-archive, which has no manifest of its
// own, as an OCI image with layers that are not compressed: they lie on this
// host, and machines unpack them in no time.
func uncompressed(from v1.Image) (v1.Image, error) {
	config, err := from.ConfigFile()
	if err != nil {
		return nil, err
	}
	layers, err := from.Layers()
	if err != nil {
		return nil, err
	}
	if len(layers) != len(config.RootFS.DiffIDs) {
		return nil, fmt.Errorf("damaged: %d layers, %d of them in the configuration", len(layers), len(config.RootFS.DiffIDs))
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for i, layer := range layers {
		plain, err := newPlainLayer(layer, config.RootFS.DiffIDs[i])
		if err != nil {
			return nil, err
		}
		if image, err = mutate.AppendLayers(image, plain); err != nil {
			return nil, err
		}
	}
	return mutate.ConfigFile(image, config)
}

// plainLayer is a layer that is stored without compression.
type plainLayer struct {
	v1.Layer
	digest v1.Hash
	size   int64
}

// newPlainLayer reads a layer once, to see that it is whole and how long.
func newPlainLayer(layer v1.Layer, digest v1.Hash) (plainLayer, error) {
	content, err := layer.Uncompressed()
	if err != nil {
		return plainLayer{}, err
	}
	defer content.Close()
	found, size, err := v1.SHA256(content)
	if err == nil && found != digest {
		err = fmt.Errorf("damaged: layer %s has the digest %s", digest, found)
	}
	return plainLayer{layer, digest, size}, err
}

func (l plainLayer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l plainLayer) DiffID() (v1.Hash, error)            { return l.digest, nil }
func (l plainLayer) Size() (int64, error)                { return l.size, nil }
func (l plainLayer) MediaType() (types.MediaType, error) { return types.OCIUncompressedLayer, nil }
func (l plainLayer) Compressed() (io.ReadCloser, error)  { return l.Uncompressed() }
