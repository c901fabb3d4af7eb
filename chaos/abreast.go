package chaos

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"axolotl/internal/bug"
	"axolotl/internal/term"
)

// abreast strikes parts, each when it has waited as long as it should since begun,
// and watches each from then on until it has healed: what one lasts, and within what
// it must heal, is no matter of how long another one waits. Where one cannot be
// struck all end; where one does not heal, those that still wait are not struck any
// more, and the others are watched to their end.
func (r *run) abreast(ctx context.Context, begun time.Time, parts []*part) error {
	going, stop := context.WithCancel(ctx)
	defer stop()
	waiting, hold := context.WithCancel(going)
	defer hold()
	var all errgroup.Group
	for _, p := range parts {
		all.Go(func() error {
			struck, err := p.strikeAndWatch(going, waiting, begun)
			switch {
			case err == nil:
				return nil
			case ctx.Err() == nil && waiting.Err() != nil && errors.Is(err, context.Canceled):
				return nil // by another one, whose error is that of all
			}
			hold()
			if !struck {
				stop()
			}
			return p.failed(err)
		})
	}
	return all.Wait()
}

// strikeAndWatch does what is to be done of a part beside others, and tells whether
// it came so far as to be struck.
func (p *part) strikeAndWatch(ctx, waiting context.Context, begun time.Time) (struck bool, err error) {
	defer func() {
		if broken := bug.Error(recover()); broken != nil {
			err = broken
		}
	}()
	if err := p.waitFor(waiting, begun, p.after); err != nil {
		return false, err
	}
	name := p.experiment.Fault.Name()
	if err := p.perform(ctx, []step{{"Inject " + name, p.inject}, {"Prove that it took effect", p.prove}}); err != nil {
		return false, err
	}
	return true, p.perform(ctx, []step{{"Watch it heal: " + name, p.watch}})
}

// waitFor waits until a while has passed since an instant.
func (r *run) waitFor(ctx context.Context, since time.Time, while time.Duration) error {
	left := while - r.now().Sub(since)
	if left <= 0 {
		return ctx.Err()
	}
	return r.progress.Do("Wait "+while.String(), func(*term.Step) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(left):
			return nil
		}
	})
}
