package labs

import (
	"context"
)

// Hint returns the next hint of the step under way: first those whose
// condition says that this is what went wrong, then the others in order, then
// the last again. It is "" where there is none.
func (g *Guide) Hint(ctx context.Context) (string, error) {
	step := g.Step()
	if step == nil {
		return "", nil
	}
	if err := g.begin(ctx); err != nil {
		return "", err
	}
	var plain []Hint
	for _, hint := range step.Hint {
		if hint.When == nil {
			plain = append(plain, hint)
		} else if g.look(ctx, *hint.When) == nil {
			return g.hint(hint)
		}
	}
	if len(plain) == 0 {
		return "", nil
	}
	hint := plain[min(g.state.Hints, len(plain)-1)]
	g.state.Hints = min(g.state.Hints+1, len(plain)) // the last, read again, says nothing new
	if err := g.save(); err != nil {
		return "", err
	}
	return g.hint(hint)
}

// hint is a hint as the learner reads it.
func (g *Guide) hint(hint Hint) (string, error) {
	text, err := expandWith(hint.In(g.runner.Language), g.runner.session.variables)
	return g.typed(text), err
}
