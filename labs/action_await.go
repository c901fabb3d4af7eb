package labs

import (
	"context"
	"fmt"

	"axolotl/internal/check"
)

// awaitDeed waits until a check holds.
type awaitDeed struct{ *Check }

func (a awaitDeed) String() string {
	if a.That != nil {
		return "wait until " + a.That.EN
	}
	return fmt.Sprintf("wait for the %s", a.subjects()[0])
}

func (a awaitDeed) validate(v *validator, at string) {
	v.check(at, a.Check)
	if a.Within != 0 || a.For != 0 {
		v.document.Faultf(at, "an action waits as long as the step's timeout lasts; leave out within and for")
	}
}

func (a awaitDeed) do(ctx context.Context, s *session) error {
	condition, err := s.condition(*a.Check)
	if err != nil {
		return err
	}
	return check.Wait(ctx, condition, pollInterval, nil)
}
