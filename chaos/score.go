package chaos

import (
	"fmt"

	"axolotl/internal/term"
)

// Score is how well a combined run went, and why.
type Score struct {
	Points int         `json:"points"`
	Of     int         `json:"of"`
	Lines  []ScoreLine `json:"lines"`
}

// ScoreLine is what one step has given.
type ScoreLine struct {
	Step   int    `json:"step"`
	Fault  string `json:"fault"`
	Points int    `json:"points"`
	Of     int    `json:"of"`
	Why    string `json:"why"`
}

// Points of a step: so many for each step that the experiment has come to, as
// they escalate; of those, this share is for healing in time, half of it for
// healing late, and the rest for the client: by the share of its requests that
// were answered while the step lasted. Where no client is played all is for the
// healing. Steps that cannot be done here give none and ask for none.
const (
	pointsAStep  = 10
	healingShare = 0.6
)

// score adds up what the steps of a run have given.
func (p *Report) score(requests []RawRequest) *Score {
	if len(p.Steps) == 0 {
		return nil
	}
	total := &Score{}
	for _, s := range p.Steps {
		line := s.score(requests, p.Client != nil)
		total.Lines = append(total.Lines, line)
		total.Points += line.Points
		total.Of += line.Of
	}
	return total
}

func (s StepReport) score(requests []RawRequest, client bool) ScoreLine {
	line := ScoreLine{Step: s.Step, Fault: s.Fault.Name, Of: s.Step * pointsAStep}
	share := 0.0
	switch s.Verdict {
	case Skipped:
		line.Of, line.Why = 0, "not to be had here: "+s.Reason
		return line
	case Healed:
		share, line.Why = 1, fmt.Sprintf("healed after %s, asked for %s", term.Seconds(*s.HealedAfter), s.HealWithin)
	case HealedLate:
		share, line.Why = 0.5, s.Reason
	case "":
		line.Why = "not reached"
		return line
	default:
		line.Why = fmt.Sprintf("%s: %s", s.Verdict, s.Reason)
	}
	if client && s.HealedAfter != nil {
		answered, sent := s.answered(requests)
		line.Why += fmt.Sprintf("; %d of %d requests were answered meanwhile", answered, sent)
		share = healingShare*share + (1-healingShare)*float64(answered)/float64(max(sent, 1))
	}
	line.Points = int(share*float64(line.Of) + 0.5)
	return line
}

// answered counts the client's requests from the step's fault until all was well
// again.
func (s StepReport) answered(requests []RawRequest) (answered, sent int) {
	for _, q := range requests {
		if q.At < *s.At || q.At > *s.At+*s.HealedAfter {
			continue
		}
		sent++
		if q.Fail == "" {
			answered++
		}
	}
	return answered, sent
}
