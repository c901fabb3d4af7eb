package check

import (
	"context"
	"errors"
)

// Facts holds where its expression is true of what Read returns, which it
// knows as Variable.
type Facts struct {
	Name       string // of what is looked at
	Variable   string
	Read       func() (map[string]any, error)
	Expression *Expression
	Variables  map[string]any
}

// String implements Condition.
func (f Facts) String() string { return f.Name + ": " + f.Expression.String() }

// Check implements Condition.
func (f Facts) Check(ctx context.Context) error {
	facts, err := f.Read()
	if err != nil {
		return err
	}
	err = f.Expression.Holds(ctx, with(f.Variables, f.Variable, facts))
	var unmet *Unmet
	if errors.As(err, &unmet) {
		unmet.Seen = []string{brief(facts)}
	}
	return err
}
