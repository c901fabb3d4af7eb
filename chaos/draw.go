package chaos

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"axolotl/chaos/timeline"
	"axolotl/internal/term"
)

// Widths of the drawing, in characters: what stands left of the bars, and the
// axis.
const (
	labelWidth = 24
	axisWidth  = 48
)

// Draw writes the report for a person: the timeline in characters, the
// client's view, and the verdict. Text of the cluster is escaped.
func (p *Report) Draw(w io.Writer) error {
	d := &drawing{w: w, span: p.span(), unknown: "unknown"}
	if p.Verdict == Running {
		d.unknown = "not yet"
	}
	mark := ""
	if p.Simulated {
		mark = "   SIMULATED: no container ran"
	}
	d.line("experiment %s on cluster %s (driver %s), run %s, seed %d%s", p.Experiment, p.Cluster, p.Driver, p.ID, p.Seed, mark)
	if p.Proof != "" {
		d.line("fault       %s", p.Proof)
	}
	if p.Plan != nil && (p.Verdict == Running || p.Verdict == Interrupted) {
		for _, o := range p.Plan.Targets { // all that is known of what it did
			d.line("target      %s", o)
		}
	}
	for _, l := range p.lanes() {
		d.line("")
		d.line("%s", l.title)
		if l.about != "" {
			d.line("  %s", l.about)
		}
		d.phases(l.phases, l.total)
		d.signs(l.node)
	}
	p.drawSteps(d)
	p.drawClient(d)
	p.drawRest(d)
	return d.err
}

// signs tells when a node was heard of, by its lease.
func (d *drawing) signs(n *timeline.NodeRecovery) {
	if n == nil {
		return
	}
	if n.LastSign != nil {
		when := "after"
		if *n.LastSign < 0 {
			when = "before"
		}
		d.line("  last sign of life %s %s the fault", term.Seconds(n.LastSign.Abs()), when)
	}
	if n.FirstSign != nil {
		d.line("  first sign of life again %s after it", term.Seconds(*n.FirstSign))
	}
}

func orUnknown(text string) string {
	if text == "" {
		return "no node"
	}
	return text
}

func (p *Report) drawClient(d *drawing) {
	c := p.Client
	if c == nil {
		return
	}
	d.line("")
	d.line("client: GET %s %s, past the API server", c.URL, c.Pace())
	if p.PathStruck != "" {
		d.line("  it looked through %s, which was struck: there was no other way, so not all that failed is the service's", p.PathStruck)
	}
	if c.Failed > 0 {
		d.bar("failed", "", p.Outages, '░')
	}
	d.line("  %d of %d requests failed (%.1f %%)%s", c.Failed, c.Sent, 100*c.FailedShare, kinds(c.Failures))
	if c.FirstFailure != nil {
		d.line("  first failure %s, last failure %s after the fault", term.Seconds(*c.FirstFailure), term.Seconds(*c.LastFailure))
	}
	d.line("  longest time without an answer %s; answers take %s, 99 %% within %s",
		term.Seconds(c.LongestGap), term.Seconds(c.Median), term.Seconds(c.P99))
}

func (p *Report) drawRest(d *drawing) {
	if len(p.Gaps) > 0 {
		d.line("")
	}
	for _, g := range p.Gaps {
		d.line("the watch on %s was down from %s to %s; what it told of then may be that late", g.Kind, term.Seconds(max(g.From, 0)), term.Seconds(g.To))
	}
	d.line("")
	if p.Undo != "" {
		d.line("undo        %s", p.Undo)
	}
	if p.UndoError != "" {
		d.line("UNDO FAILED %s", p.UndoError)
	}
	verdict := p.outcome()
	d.line("verdict     %s", strings.ToUpper(verdict[:1])+verdict[1:])
	if p.Reason != "" {
		d.line("            %s", p.Reason)
	}
}

// span is the length of the axis: all that is drawn fits.
func (p *Report) span() time.Duration {
	longest := p.Recovered.end()
	for _, o := range p.Outages {
		longest = max(longest, o.To)
	}
	for _, s := range p.Steps {
		longest = max(longest, s.end())
	}
	return max(longest, time.Millisecond)
}

// drawing writes lines on one axis and remembers the first error.
type drawing struct {
	w       io.Writer
	span    time.Duration
	unknown string // what stands for a phase that nobody has seen
	err     error
}

func (d *drawing) line(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintln(d.w, strings.TrimRight(term.Escape(fmt.Sprintf(format, args...)), " "))
	}
}

// phases draws a ladder: an axis in seconds, a bar a phase, the total. What was in
// reach of a fault and was never seen to be hurt has none.
func (d *drawing) phases(phases []timeline.Phase, total time.Duration) {
	seen := slices.ContainsFunc(phases, func(p timeline.Phase) bool { return p.Known })
	if !seen && total == 0 && d.unknown == "unknown" {
		d.line("  nobody saw it being lost")
		return
	}
	d.line("%*s%s", labelWidth, "", d.axis())
	d.bars(phases)
	d.line("  %-11s %9s", "total", term.Seconds(total))
}

// bars draws a bar a phase.
func (d *drawing) bars(phases []timeline.Phase) {
	for _, p := range phases {
		if !p.Known {
			d.line("  %-11s %9s", p.Name, d.unknown)
			continue
		}
		note := ""
		if len(p.Includes) > 0 {
			note = fmt.Sprintf("  with %s", joinMilestones(p.Includes))
		}
		if p.Late > 0 {
			note += fmt.Sprintf("  seen up to %s late", term.Seconds(p.Late))
		}
		d.bar(string(p.Name), term.Seconds(p.Took()), []Span{{p.From, p.To}}, '█', note)
	}
}

// bar draws spans on the axis; what is too short for a character still shows.
func (d *drawing) bar(name, took string, spans []Span, fill rune, notes ...string) {
	cells := []rune(strings.Repeat(" ", axisWidth+1))
	for _, s := range spans {
		from, to := d.cell(s.From), d.cell(s.To)
		if from == to {
			cells[from] = '▏'
		}
		for i := from; i < to; i++ {
			cells[i] = fill
		}
	}
	d.line("  %-11s %9s %s%s", name, took, string(cells), strings.Join(notes, ""))
}

func (d *drawing) cell(at time.Duration) int {
	return min(int(int64(axisWidth)*int64(max(at, 0))/int64(d.span)), axisWidth)
}

// axis is the scale: seconds at the start, the middle and the end.
func (d *drawing) axis() string {
	middle, end := seconds(d.span/2), seconds(d.span)
	cells := []byte("0" + strings.Repeat(" ", axisWidth))
	copy(cells[axisWidth/2-len(middle)/2:], middle)
	copy(cells[axisWidth+1-len(end):], end)
	return string(cells)
}

func seconds(d time.Duration) string {
	if d >= 100*time.Second {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.2g s", d.Seconds())
}

func joinMilestones(ms []timeline.Milestone) string {
	words := make([]string, len(ms))
	for i, m := range ms {
		words[i] = string(m)
	}
	return strings.Join(words, ", ")
}

func kinds(failures map[string]int) string {
	if len(failures) == 0 {
		return ""
	}
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(failures)) {
		words = append(words, fmt.Sprintf("%s %d", kind, failures[kind]))
	}
	return ": " + strings.Join(words, ", ")
}

// outcome is the verdict in a few words.
func (p *Report) outcome() string {
	words := string(p.Verdict)
	if p.HealedAfter != nil {
		words += fmt.Sprintf(" after %s (asked for %s)", term.Seconds(*p.HealedAfter), p.HealWithin)
	}
	if p.Expected != "" && p.Passed() {
		words += ", as expected"
	}
	return words
}
