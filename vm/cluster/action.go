package cluster

import (
	"context"
	"errors"
	"fmt"

	"axolotl/internal/term"
	"axolotl/vm"
)

// Run does one action after another, each as a step of the progress, and
// stops at the first that fails.
func Run(ctx context.Context, progress *term.Progress, actions []vm.Action) error {
	for _, action := range actions {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := progress.Do(action.Name, func(step *term.Step) error { return action.Run(ctx, step) })
		if err != nil {
			return fmt.Errorf("%s: %w", lowerFirst(action.Name), err)
		}
	}
	return nil
}

// Preflight runs all checks of a driver and returns all that failed.
func Preflight(ctx context.Context, driver vm.Driver) error {
	var errs []error
	for _, check := range driver.Checks() {
		if _, err := check.Run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", check.Name, err))
		}
	}
	return errors.Join(errs...)
}

func lowerFirst(text string) string {
	if text == "" || text[0] < 'A' || text[0] > 'Z' {
		return text
	}
	return string(text[0]+'a'-'A') + text[1:]
}
