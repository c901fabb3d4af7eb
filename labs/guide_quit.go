package labs

import (
	"context"
	"errors"

	"axolotl/internal/store"
	"axolotl/internal/term"
)

// Quit throws away what the lab made, gives back the nodes as they were before it,
// and forgets it.
func (g *Guide) Quit(ctx context.Context) error { return g.end(ctx) }

func (g *Guide) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	s := g.runner.session
	err := recoverKilled(ctx, s.handle, g.runner.Progress, g.runner.Now)
	if err == nil {
		err = g.runner.Progress.Do(g.Lab.Name+" clean up", func(*term.Step) error { return s.end(ctx, g.left()...) })
	}
	if gone := s.handle.Cluster.Gone(); gone != nil {
		return errors.Join(gone, err)
	}
	if err == nil {
		err = g.runner.drop()
	}
	if err != nil {
		return errors.Join(err, g.save())
	}
	return store.RemoveFile(s.handle.Cluster.Path(guideFile))
}
