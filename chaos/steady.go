package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"axolotl/internal/check"
	"axolotl/internal/term"
)

// steadyStreak is how many good answers in a row say that a service answers.
const steadyStreak = 10

// settleWithin is how long the target may take to be steady before the fault:
// containers start slowly under emulation.
const settleWithin = 3 * time.Minute

// existingSettleWithin is the same for a target that was there before, counted
// from when it was first seen not to be steady: it is steady already, or the run
// is refused. How long a busy API server takes to say so is another matter.
const existingSettleWithin = 10 * time.Second

// steady is the list of conditions that hold before a fault and after it.
func (r *run) steady() []check.Condition {
	conditions := []check.Condition{
		check.Func("nodes are Ready and pods as many as wanted", func(ctx context.Context) error {
			s, err := readScene(ctx, r.kube, r.target)
			if err != nil {
				return err
			}
			return r.wellAgain(ctx, s)
		}),
	}
	if r.client != nil {
		conditions = append(conditions, check.Func("the service answers the client", func(context.Context) error {
			return r.client.answering(r.struck) // what was answered before is no proof after
		}))
	}
	for _, c := range r.experiment.SteadyState {
		selector := c.Selector
		if selector.Namespace == "" {
			selector.Namespace = r.target.Namespace
		}
		conditions = append(conditions, named{c.Name, check.Object{Client: r.kube, Selector: selector, Expression: c.Expression}})
	}
	return conditions
}

// named is a condition under the name that its author gave it.
type named struct {
	name string
	check.Condition
}

func (n named) String() string { return n.name }

// steadyNow returns nil where every condition holds now.
func (r *run) steadyNow(ctx context.Context) error {
	for _, c := range r.steady() {
		if err := c.Check(ctx); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

// unanswered tells whether an error is that of an API server that has not
// answered, or has asked to be left alone: nothing was seen then.
func unanswered(err error) bool {
	var transport *url.Error
	return errors.As(err, &transport) || errors.Is(err, context.DeadlineExceeded) ||
		apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err)
}

// settle waits for the steady state before the fault.
func (r *run) settle(ctx context.Context, step *term.Step) error {
	waiting, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	var first time.Time // when it was first seen not to be steady
	steady := check.Func("the steady state", func(ctx context.Context) error {
		err := r.steadyNow(ctx)
		switch ours := r.namespace != "" || r.staged != ""; {
		case err == nil || ours || unanswered(err):
		case first.IsZero():
			first = time.Now()
		case time.Since(first) > existingSettleWithin:
			cancel()
		}
		return err
	})
	err := check.Wait(waiting, steady, pollEvery, func(missing error) { step.Status("%v", missing) })
	if err != nil && ctx.Err() == nil {
		return &Refusal{"healthy-before", fmt.Sprintf("the steady state does not hold before the fault: %v", err),
			"fix it first, or wait until it holds"}
	}
	return err
}
