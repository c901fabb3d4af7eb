package chaos

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"time"

	"axolotl/chaos/timeline"
	"axolotl/internal/term"
)

//go:embed report.html
var htmlFile string

var htmlTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"seconds": term.Seconds,
	"safe":    func(text any) string { return term.Escape(fmt.Sprint(text)) },
	"rfc":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).Parse(htmlFile))

// WriteHTML writes the report as one page that needs nothing else: the
// timeline is drawn in it, and what the cluster says is text and nothing more.
func (p *Report) WriteHTML(w io.Writer) error {
	page := htmlPage{Report: p, Span: p.span()}
	page.Lanes = page.lanesOf(p.Recovered, 0)
	for _, s := range p.Steps {
		page.Lanes = append(page.Lanes, page.stepLanes(s)...)
	}
	if len(p.Outages) > 0 {
		lane := htmlLane{Title: "client", About: "when requests failed"}
		for _, o := range p.Outages {
			lane.Bars = append(lane.Bars, page.bar("failed", "failed", o, 0))
		}
		lane.Height = laneRow
		page.Lanes = append(page.Lanes, lane)
	}
	for i := range 5 {
		at := page.Span * time.Duration(i) / 4
		tick := htmlTick{X: page.x(at), Label: seconds(at), Anchor: "middle"}
		switch i { // the outer ones stay within the drawing
		case 0:
			tick.Anchor = "start"
		case 4:
			tick.Anchor = "end"
		}
		page.Ticks = append(page.Ticks, tick)
	}
	return htmlTemplate.Execute(w, page)
}

// Sizes in the drawing, in its own units; it is as wide as the page.
const (
	htmlWidth = 1000
	laneRow   = 26
)

type htmlPage struct {
	*Report
	Span  time.Duration
	Lanes []htmlLane
	Ticks []htmlTick
}

type htmlLane struct {
	Title, About string
	Ended        string // how a step went, after its title
	Height       int    // 0: there is nothing to draw
	Bars         []htmlBar
	Unknown      []timeline.Milestone
}

type htmlBar struct {
	Name  string
	Class string
	Took  time.Duration
	Note  string
	X, W  string
	Y     int
	TextX string
	End   bool // the text stands left of TextX
}

// TextY is the line that the bar's text stands on.
func (b htmlBar) TextY() int { return b.Y + 14 }

// ViewHeight is the height of the lane with the labels of the axis above.
func (l htmlLane) ViewHeight() int { return l.Height + 28 }

type htmlTick struct{ X, Label, Anchor string }

func (p *htmlPage) units(at time.Duration) float64 {
	return htmlWidth * min(max(float64(at)/float64(p.Span), 0), 1)
}

func (p *htmlPage) x(at time.Duration) string { return strconv.FormatFloat(p.units(at), 'f', 1, 64) }

// bar is a span on a row; what is too short still shows.
func (p *htmlPage) bar(name, class string, s Span, row int) htmlBar {
	from, to := p.units(s.From), p.units(s.To)
	b := htmlBar{
		Name: name, Class: class, Took: s.To - s.From, X: p.x(s.From), Y: row * laneRow,
		W: strconv.FormatFloat(max(to-from, 2), 'f', 1, 64), End: to > htmlWidth*0.6,
	}
	b.TextX = strconv.FormatFloat(to+6, 'f', 1, 64)
	if b.End {
		b.TextX = strconv.FormatFloat(from-6, 'f', 1, 64)
	}
	return b
}

func (p *htmlPage) lane(title, about string, phases []timeline.Phase) htmlLane {
	lane := htmlLane{Title: title, About: about}
	for _, phase := range phases {
		if !phase.Known {
			lane.Unknown = append(lane.Unknown, phase.Name)
			continue
		}
		b := p.bar(string(phase.Name), "phase", Span{phase.From, phase.To}, len(lane.Bars))
		if len(phase.Includes) > 0 {
			b.Note = "with " + joinMilestones(phase.Includes)
		}
		if phase.Late > 0 {
			b.Note += " seen up to " + term.Seconds(phase.Late) + " late"
		}
		lane.Bars = append(lane.Bars, b)
	}
	lane.Height = len(lane.Bars) * laneRow
	return lane
}

// stepLanes are those of a step: when its fault was in, and what it took.
func (p *htmlPage) stepLanes(s StepReport) []htmlLane {
	title := fmt.Sprintf("step %d: %s", s.Step, s.Fault.Name)
	if s.At == nil {
		return []htmlLane{{Title: title, Ended: s.ended()}}
	}
	first := htmlLane{Title: title, Ended: s.ended(), Height: laneRow}
	if s.Until != nil {
		first.Bars = []htmlBar{p.bar("fault", "failed", Span{*s.At, *s.Until}, 0)}
	}
	return append([]htmlLane{first}, p.lanesOf(s.Recovered, *s.At)...)
}

// lanesOf are the timelines of what was lost by a fault that struck at an instant.
func (p *htmlPage) lanesOf(r Recovered, at time.Duration) []htmlLane {
	var all []htmlLane
	for _, l := range r.lanes() {
		if l.node != nil {
			l.about = "boot " + l.node.BootID
		}
		all = append(all, p.lane(l.title, l.about, shifted(l.phases, at)))
	}
	return all
}
