package labs

import (
	"slices"
	"time"
)

// GuideStatus is how far a learner has come.
type GuideStatus struct {
	Lab       string     `json:"lab"`
	Title     string     `json:"title"`
	Namespace string     `json:"namespace"`
	Started   time.Time  `json:"started"`
	Step      int        `json:"step"` // from 1; one more than there are when all is done
	Steps     []string   `json:"steps"`
	Passed    bool       `json:"passed"` // the step under way
	Done      []StepMark `json:"done,omitempty"`
	Seed      int        `json:"seed,omitempty"`  // by which the steps were drawn
	Score     int        `json:"score,omitempty"` // of ScoreOf
	ScoreOf   int        `json:"scoreOf,omitempty"`
}

// Status says how far the learner has come.
func (g *Guide) Status() GuideStatus {
	status := GuideStatus{
		Lab: g.Lab.Name, Title: g.Lab.Title.In(g.runner.Language), Namespace: g.Namespace(), Started: g.state.Started,
		Step: g.state.Step + 1, Passed: g.state.Passed, Done: slices.Clone(g.state.Done), Seed: g.state.Seed,
	}
	status.Score, status.ScoreOf = g.score()
	for _, step := range g.Lab.Steps {
		status.Steps = append(status.Steps, step.Name)
	}
	return status
}
