package chaos

import (
	"fmt"
	"time"

	"github.com/goccy/go-yaml"

	"axolotl/chaos/fault"
	"axolotl/internal/strictyaml"
)

// File is the experiment as a file that Parse reads: what was left out there,
// or changed since, is in it.
func (e *Experiment) File() (string, error) {
	f := experimentFile{
		Name: e.Name, Title: e.Title, About: e.About, Target: targetFile(e.Target),
		Fault: fileOfFault(e.Fault),
		Lasts: e.Lasts, HealWithin: e.HealWithin, Guards: guardsFile(e.Guards), Expect: e.Expect, Seed: int64(e.Seed),
	}
	for _, s := range e.Steps {
		step := stepFile{partFile: fileOfPart(s)}
		for _, p := range s.Parallel {
			step.Parallel = append(step.Parallel, fileOfPart(p))
		}
		f.Steps = append(f.Steps, step)
	}
	if e.Probe != nil {
		p := probeFile(*e.Probe)
		f.Probe = &p
	}
	for _, c := range e.SteadyState {
		f.SteadyState = append(f.SteadyState, checkFile{
			Name: c.Name, APIVersion: c.Selector.GroupVersion().String(), Kind: c.Selector.Kind,
			Namespace: c.Selector.Namespace, Object: c.Selector.Name, CEL: c.Expression.String(),
		})
	}
	data, err := yaml.MarshalWithOptions(f, yaml.OmitEmpty())
	if err != nil {
		return "", fmt.Errorf("experiment %s as a file: %w", e.Name, err)
	}
	return string(data), nil
}

func fileOfFault(f fault.Fault) *faultFile {
	if f == nil {
		return nil
	}
	// All is said, also what is 0 or empty: its default may be something else.
	var with yaml.MapSlice
	for _, field := range strictyaml.Fields(fault.Settings(f), nil) {
		switch field.Value {
		case time.Duration(0), (*time.Duration)(nil): // which no file can say
			continue
		}
		with = append(with, yaml.MapItem{Key: field.Name, Value: field.Value})
	}
	return &faultFile{Name: f.Name(), With: with}
}

func fileOfPart(s Step) partFile {
	return partFile{
		Fault: fileOfFault(s.Fault), Lasts: s.Lasts, HealWithin: s.HealWithin, After: s.After, Nodes: s.Nodes,
		Count: s.Count, Percent: s.Percent, Each: s.Each, Optional: s.Optional,
	}
}

// Recipe is the experiment that the run was of, with the same seed.
func (p *Report) Recipe() (*Experiment, error) {
	if p.File == "" {
		return nil, fmt.Errorf("the report of run %q does not hold the experiment; it was made by an older axolotl", p.ID)
	}
	return Parse("run "+p.ID, []byte(p.File))
}
