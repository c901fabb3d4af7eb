package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"axolotl/chaos/timeline"
	"axolotl/internal/term"
)

// drawSteps draws the steps of a combined run on one axis.
func (p *Report) drawSteps(d *drawing) {
	for _, s := range p.Steps {
		d.line("")
		d.line("step %d: %s%s", s.Step, s.Fault.Name, s.ended())
		for _, o := range s.Targets {
			d.line("  target    %s", o)
		}
		if s.Proof != "" {
			d.line("  proved    %s", s.Proof)
		}
		if s.At == nil {
			continue
		}
		d.line("%*s%s", labelWidth, "", d.axis())
		if s.Until != nil {
			d.bar("fault in", term.Seconds(*s.Until-*s.At), []Span{{*s.At, *s.Until}}, '▒')
		}
		for _, l := range s.lanes() {
			d.line("  %s", strings.TrimSuffix(l.title+": "+l.about, ": "))
			d.bars(shifted(l.phases, *s.At))
		}
	}
	p.drawScore(d)
}

// ended is how a step went, in words.
func (s StepReport) ended() string {
	switch {
	case s.Verdict == "":
		return ", not ended"
	case s.HealedAfter != nil:
		return fmt.Sprintf(", %s after %s (asked for %s)", s.Verdict, term.Seconds(*s.HealedAfter), s.HealWithin)
	}
	return fmt.Sprintf(", %s: %s", s.Verdict, s.Reason)
}

func (p *Report) drawScore(d *drawing) {
	if p.Score == nil {
		return
	}
	d.line("")
	d.line("score       %d of %d points", p.Score.Points, p.Score.Of)
	for _, l := range p.Score.Lines {
		d.line("  step %d  %3d of %3d  %s: %s", l.Step, l.Points, l.Of, l.Fault, l.Why)
	}
}

// shifted are phases that count from another instant, as of the run's first
// fault.
func shifted(phases []timeline.Phase, by time.Duration) []timeline.Phase {
	all := slices.Clone(phases)
	for i := range all {
		all[i].From += by
		all[i].To += by
	}
	return all
}

// end is where a step ends on the axis of the run.
func (s StepReport) end() time.Duration {
	if s.At == nil {
		return 0
	}
	end := *s.At + s.Recovered.end()
	if s.Until != nil {
		end = max(end, *s.Until)
	}
	return end
}
