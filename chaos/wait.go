package chaos

import (
	"context"
	"time"

	"axolotl/chaos/fault"
	"axolotl/internal/check"
)

// How often a condition is looked at, and how long a fault may take until it
// can be seen.
const (
	pollEvery   = 100 * time.Millisecond
	proofWithin = 15 * time.Second
	slowWithin  = time.Minute // three times what an emulated node takes to start a pod
)

// proofTime is how long a fault may take until it can be seen.
func proofTime(f fault.Fault) time.Duration {
	if f.Effect().Slow {
		return slowWithin
	}
	return proofWithin
}

// proved waits until a proof is to be had and returns it.
func proved(ctx context.Context, what string, within time.Duration, look func(context.Context) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var proof string
	err := check.Wait(ctx, check.Func(what, func(ctx context.Context) error {
		var err error
		proof, err = look(ctx)
		return err
	}), pollEvery, nil)
	if err != nil {
		return "", err
	}
	return proof, nil
}
