package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"axolotl/chaos"
	"axolotl/labs"
)

// watchEvery is how often "lab check --watch" looks.
const watchEvery = time.Second

// watchChecks ticks checks off as they come true, until all hold at once. It follows
// where another window goes on or begins anew, and ends where that ends the lab.
func (a *app) watchChecks(ctx context.Context, flags guideFlags) error {
	handle, err := a.handle(ctx, flags.cluster)
	if err != nil {
		return err
	}
	ctx, stop := chaos.WhileThere(ctx, handle)
	defer stop()
	watch := labs.Watch{Handle: handle, Options: a.guideOptions(flags)}
	var last *labs.Guide
	shown := map[int]bool{}
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		sight, err := watch.Look(ctx)
		switch {
		case errors.Is(err, labs.ErrNoGuide) && last != nil:
			return codedError{errors.New(last.Words("the lab was ended by another window", "el lab se terminó desde otra ventana")), exitFailed}
		case err != nil:
			return err
		case sight.Guide.Step() == nil:
			return a.say(sight.Guide)
		}
		last = sight.Guide
		if sight.Moved {
			clear(shown)
			fmt.Fprintf(a.out, last.Words("Now step %d: %s\n", "Ahora el paso %d: %s\n"), last.Status().Step, last.Step().Name)
			// One that went back to its snapshot has another cluster's processes.
			if watch.Handle, err = a.handle(ctx, flags.cluster); err != nil {
				return err
			}
		}
		for i, result := range sight.Results {
			if passed := result.Outcome == labs.Passed; passed != shown[i] {
				shown[i] = passed
				fmt.Fprintln(a.out, tick(passed), result.That)
			}
		}
		if sight.Passed {
			return a.stepDone(last)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
