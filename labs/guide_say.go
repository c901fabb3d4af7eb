package labs

import (
	"fmt"
)

// Say is what the step under way tells the learner, as Markdown with its
// title.
func (g *Guide) Say() (string, error) {
	step := g.Step()
	if step == nil {
		return fmt.Sprintf("# %s\n\n%s", g.Lab.Title.In(g.runner.Language), g.Words(
			"All steps are done. `axolotl lab quit` clears away.", "Todos los pasos están hechos. `axolotl lab quit` limpia todo.")+g.scoreWords()), nil
	}
	text, err := step.sayWith(g.runner.Language, valueIn(g.runner.session.variables))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("# %s, %d/%d: %s\n\n%s", g.Lab.Title.In(g.runner.Language), g.state.Step+1, len(g.Lab.Steps), step.Name, g.typed(text)), nil
}
