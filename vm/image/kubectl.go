package image

import (
	"context"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// Kubectl returns the path of the program that is also kubectl, and shows progress
// where it has to be built.
func Kubectl(ctx context.Context, home store.Home, progress *term.Progress) (string, error) {
	path, err := Node.Find(home)
	if err == nil {
		return path, nil
	}
	err = progress.Do("Get kubectl", func(step *term.Step) error {
		path, err = Node.Ensure(ctx, home, step)
		return err
	})
	return path, err
}
