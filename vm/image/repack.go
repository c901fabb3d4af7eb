package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// named is an image of an archive and the names that it is to have.
type named struct {
	refs  []string // as containerd writes them: "docker.io/library/busybox:1.35"
	image v1.Image
}

// Repack writes the images of archives, as 'docker save' and 'skopeo copy' make
// them (docker-archive or OCI, also compressed by gzip), into one OCI archive
// that nodes can import, and returns the images' names. Each must be whole, have
// a name and be for this host's processor. An error leaves no archive.
func Repack(ctx context.Context, to string, archives ...string) (refs []string, err error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			os.Remove(to)
		}
	}()
	var images []v1.Image
	for i, path := range archives {
		archive, err := openArchive(ctx, path, fmt.Sprintf("%s.unzipped-%d", to, i))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		defer archive.close()
		found, err := archive.images()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, n := range found {
			if err := fits(n.image); err != nil {
				return nil, fmt.Errorf("%s: image %s: %w", path, n.refs[0], err)
			}
			for _, ref := range n.refs {
				if slices.Contains(refs, ref) {
					return nil, fmt.Errorf("%s: image %s is in another archive, too; leave one out", path, ref)
				}
				refs, images = append(refs, ref), append(images, n.image)
			}
		}
	}
	return refs, writeArchive(until{ctx, out}, refs, images)
}

// until is a writer that takes no more when ctx has ended.
type until struct {
	ctx context.Context
	io.Writer
}

func (u until) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Writer.Write(p)
}

// fits refuses an image that machines could not run.
func fits(image v1.Image) error {
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	if config.OS != "linux" || config.Architecture != runtime.GOARCH {
		return fmt.Errorf("it is for %s/%s, and machines are linux/%s; take the one for that", config.OS, config.Architecture, runtime.GOARCH)
	}
	return nil
}

// fullName is an image's name as containerd, and so the kubelet, writes it.
func fullName(ref string) (string, error) {
	tag, err := name.NewTag(ref)
	if err != nil {
		return "", err
	}
	full := tag.Name()
	if rest, ok := strings.CutPrefix(full, name.DefaultRegistry+"/"); ok {
		full = "docker.io/" + rest
	}
	return full, nil
}
