package labs

import (
	"fmt"
	"slices"
)

// score is what the learner got for the steps that were drawn, of how much.
func (g *Guide) score() (got, of int) {
	for _, mark := range g.state.Done {
		if slices.Contains(g.state.Drawn, mark.Name) {
			got += mark.points()
		}
	}
	return got, fullPoints * len(g.state.Drawn)
}

// scoreWords tell the score, where there is one.
func (g *Guide) scoreWords() string {
	got, of := g.score()
	if of == 0 {
		return ""
	}
	return "\n\n" + fmt.Sprintf(words(g.runner.Language,
		"Your score is **%d of %d**, with seed %d. A hint costs %d points, a step that was solved for you has none.",
		"Tu puntaje es **%d de %d**, con la semilla %d. Una pista cuesta %d puntos; un paso resuelto por axolotl no da ninguno."),
		got, of, g.state.Seed, hintPoints)
}
