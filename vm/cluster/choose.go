package cluster

import (
	"context"
	"fmt"

	"axolotl/internal/term"
	"axolotl/vm"
)

// Prover is a driver that can prove that its machines work here, beyond what
// its checks see.
type Prover interface {
	// Prove makes a machine start, or remembers that it did, and returns what
	// was seen. With anew it does not go by what somebody may have mended since.
	Prove(ctx context.Context, anew bool, step *term.Step) (string, error)
}

// Choose returns the first driver that works on this host and prints which and
// why. Drivers are in order of preference; the last needs the least.
func Choose(ctx context.Context, drivers []vm.Driver, progress *term.Progress) (vm.Driver, error) {
	var why string
	for i, driver := range drivers {
		found, err := works(ctx, driver, progress)
		if err == nil {
			if why != "" {
				found = why + "; " + found
			}
			progress.Line("driver %s: %s", driver.Name(), found)
			return driver, nil
		}
		if ctx.Err() != nil || i == len(drivers)-1 {
			return nil, err
		}
		why = fmt.Sprintf("not %s: %v", driver.Name(), err)
	}
	return nil, fmt.Errorf("no drivers to choose from")
}

func works(ctx context.Context, driver vm.Driver, progress *term.Progress) (string, error) {
	if err := Preflight(ctx, driver); err != nil {
		return "", err
	}
	prover, ok := driver.(Prover)
	if !ok {
		return "all that it needs is here", nil
	}
	var found string
	err := progress.Do(fmt.Sprintf("See whether %s machines boot here", driver.Name()), func(step *term.Step) (err error) {
		found, err = prover.Prove(ctx, false, step)
		return err
	})
	return found, err
}
