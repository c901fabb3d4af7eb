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
	Breaks     string        `json:"breaks"` // its fault, or how many steps it has
	Faults     []FaultDoc    `json:"faults"` // in order
	Client     bool          `json:"client"` // a client is played, which needs pods that run
	Lasts      time.Duration `json:"lastsNs,omitempty"`
	HealWithin time.Duration `json:"healWithinNs"`
	Expect     Verdict       `json:"expect,omitempty"`      // the verdict that is wanted, where it is not healed
	Steady     []string      `json:"steadyState,omitempty"` // beyond what every experiment asks
	Guards     []string      `json:"guards"`
}

// FaultDoc is a fault as an experiment has it, and what it does.
type FaultDoc struct {
	fault.Spec
	Doc      fault.Doc       `json:"doc"`
	Settings []fault.Setting `json:"settings,omitempty"`
}

// Describe tells of an experiment.
func (e *Experiment) Describe() (Description, error) {
	d := Description{
		Name: e.Name, Title: e.Title, About: e.About, Breaks: e.deed(), Client: e.Probe != nil,
		Lasts: e.Lasts, HealWithin: e.HealWithin, Expect: e.Expect, Guards: guardNames(),
	}
	for _, f := range e.faults() {
		spec, err := fault.SpecOf(f)
		if err != nil {
			return d, err
		}
		settings, err := fault.SettingsOf(f)
		if err != nil {
			return d, err
		}
		d.Faults = append(d.Faults, FaultDoc{spec, f.Doc(), settings})
	}
	for _, c := range e.SteadyState {
		d.Steady = append(d.Steady, c.Name)
	}
	return d, nil
}
