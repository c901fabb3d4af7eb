package serve

import (
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
)

// Message is what is told about a run, or about firings that were not run. It
// is the JSON that webhooks and commands are given.
type Message struct {
	Event      schedule.Event `json:"event"` // a verdict, or what became of the firing
	Schedule   string         `json:"schedule"`
	Cluster    string         `json:"cluster"`
	Experiment string         `json:"experiment"`
	Due        time.Time      `json:"due"`
	Run        string         `json:"run,omitempty"`
	Verdict    string         `json:"verdict,omitempty"`
	Reason     string         `json:"reason,omitempty"`
	// HealedAfter is in nanoseconds; absent where it did not heal.
	HealedAfter *time.Duration `json:"healedAfterNs,omitempty"`
	// Firings is how many it is about; the others were due before.
	Firings int    `json:"firings"`
	Text    string `json:"text"` // the same in a sentence
}

// tellRun tells how a run ended.
func (d *Daemon) tellRun(s schedule.Schedule, f history.Firing, report *chaos.Report) {
	m := message(f, 1)
	switch {
	case report != nil:
		m.Event, m.HealedAfter = schedule.Event(report.Verdict), report.HealedAfter
		m.Text = fmt.Sprintf("%s on cluster %s: %s", m.Experiment, m.Cluster, m.Verdict)
	default:
		m.Event = schedule.Failed
		m.Text = fmt.Sprintf("%s on cluster %s could not be run", m.Experiment, m.Cluster)
	}
	d.tell(s, m)
}

// tellGone logs, counts and tells what was missed and what was skipped.
func (d *Daemon) tellGone(s schedule.Schedule, gone []history.Firing) {
	for outcome, event := range map[history.Outcome]schedule.Event{history.FiringMissed: schedule.Missed, history.FiringSkipped: schedule.SkippedTime} {
		var last history.Firing
		count := 0
		for _, f := range gone {
			if f.Outcome == outcome {
				last, count = f, count+1
			}
		}
		if count == 0 {
			continue
		}
		d.Metrics.firing(s.Name, string(outcome), count)
		m := message(last, count)
		m.Event = event
		m.Text = fmt.Sprintf("%d firing(s) of schedule %s %s", count, s.Name, outcome)
		d.Log.Warn(m.Text, zap.String("cluster", m.Cluster), zap.Time("last due", m.Due), zap.String("reason", m.Reason))
		d.tell(s, m)
	}
}

func message(f history.Firing, firings int) Message {
	return Message{
		Schedule: f.Schedule, Cluster: f.Cluster, Experiment: f.Experiment, Due: f.Due,
		Run: f.Run, Verdict: f.Verdict, Reason: f.Reason, Firings: firings,
	}
}

// tell gives a message to those who want it.
func (d *Daemon) tell(s schedule.Schedule, m Message) {
	if m.Reason != "" {
		m.Text += ": " + m.Reason
	}
	var to []schedule.Notify
	for _, n := range s.Notify {
		if wants(n, m.Event) {
			to = append(to, n)
		}
	}
	if len(to) > 0 {
		d.Tell(to, m)
	}
}

func wants(n schedule.Notify, event schedule.Event) bool {
	if len(n.On) > 0 {
		return slices.Contains(n.On, event)
	}
	return event != schedule.Event(chaos.Healed) && event != schedule.SkippedTime
}
