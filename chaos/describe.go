package chaos

import (
	"time"

	"axolotl/chaos/fault"
)

// Description is an experiment as 'chaos show' and 'chaos list' tell of it.
type Description struct {
	Name       string        `json:"name"`
	Title      string        `json:"title"`
	About      string        `json:"about,omitempty"`
	Fault      fault.Spec    `json:"fault"`
	Doc        fault.Doc     `json:"doc"`
	Client     bool          `json:"client"` // a client is played, which needs pods that run
	Lasts      time.Duration `json:"lastsNs,omitempty"`
	HealWithin time.Duration `json:"healWithinNs"`
	Steady     []string      `json:"steadyState,omitempty"` // beyond what every experiment asks
	Guards     []string      `json:"guards"`
}

// Describe tells of an experiment.
func (e *Experiment) Describe() (Description, error) {
	spec, err := fault.SpecOf(e.Fault)
	d := Description{
		Name: e.Name, Title: e.Title, About: e.About, Fault: spec, Doc: e.Fault.Doc(), Client: e.Probe != nil,
		Lasts: e.Lasts, HealWithin: e.HealWithin, Guards: guardNames(),
	}
	for _, c := range e.SteadyState {
		d.Steady = append(d.Steady, c.Name)
	}
	return d, err
}
