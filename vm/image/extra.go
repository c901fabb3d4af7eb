package image

import (
	"context"
	"errors"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// Extra is a container image of one program that no node has from the start.
// It is compiled when a cluster is first given it, and changes nothing of the
// node image.
type Extra struct {
	Ref        string // its name, as containerd writes it
	Program    Binary
	User       string // nobody where empty
	StopSignal string // by which the program ends in good order; SIGTERM where empty
}

// Save writes the image to a file, as an OCI archive that machines can import.
// The program is compiled where the cache does not have it, which takes
// minutes. An error leaves no archive.
func (e Extra) Save(ctx context.Context, home store.Home, to string, step *term.Step) (err error) {
	c := container{
		ref: e.Ref, program: e.Program, user: e.User,
		entrypoint: []string{"/" + e.Program.Name}, stopSignal: e.StopSignal,
	}
	if c.user == "" {
		c.user = nobody
	}
	layer, err := c.layer(ctx, home, nil, step)
	if err != nil {
		return err
	}
	image, err := ociImage(c, layer)
	if err != nil {
		return fmt.Errorf("image %s: %w", e.Ref, err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			os.Remove(to)
		}
	}()
	return writeArchive(until{ctx, out}, []string{e.Ref}, []v1.Image{image})
}
