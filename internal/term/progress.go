// Package term is what a person sees: progress, tables, escaped text.
//
// Status goes to stderr, data to stdout. Any room may use it.
package term

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/term"
)

// Progress prints named steps with their times: a line that lives while the
// step runs on a terminal, one plain line a step elsewhere, and one before of a step
// that lasts, nothing when quiet. It is safe for concurrent use.
type Progress struct {
	out   io.Writer
	live  bool
	color bool
	quiet bool
	after func(time.Duration, func()) *time.Timer // time.AfterFunc, but in tests

	mu    sync.Mutex
	steps []*Step // running, oldest first
	drawn int     // live lines on the screen
	stop  chan struct{}
}

// IsLive tells whether what was printed to out can be drawn anew.
func IsLive(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// NewProgress prints to out, which is a terminal or not.
func NewProgress(out io.Writer, quiet bool) *Progress {
	p := &Progress{out: out, quiet: quiet, after: time.AfterFunc}
	if IsLive(out) {
		p.live = true
		_, noColor := os.LookupEnv("NO_COLOR")
		p.color = !noColor
	}
	return p
}

// Step is one thing under way.
type Step struct {
	p      *Progress
	name   string
	start  time.Time
	status string
	lasts  *time.Timer // nil where each step is seen anyway
}

// lasting is how long a step runs before it is told that it does, where there is no
// terminal: else a log shows nothing while the longest one is under way.
const lasting = 10 * time.Second

// Start begins a step.
func (p *Progress) Start(name string) *Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &Step{p: p, name: name, start: time.Now()}
	p.steps = append(p.steps, s)
	if p.live && !p.quiet && p.stop == nil {
		p.stop = make(chan struct{})
		go p.animate(p.stop)
	}
	if !p.live && !p.quiet {
		s.lasts = p.after(lasting, s.tellLasting)
	}
	p.redraw("")
	return s
}

func (s *Step) tellLasting() {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if slices.Contains(s.p.steps, s) { // it may have ended just now
		s.p.redraw(fmt.Sprintf(" … %s\n", s.name))
	}
}

// Do runs fn as a step and reports how it ended.
func (p *Progress) Do(name string, fn func(*Step) error) error {
	s := p.Start(name)
	err := fn(s)
	s.Done(err)
	return err
}

// Progress is where the step is shown, for steps within this one.
func (s *Step) Progress() *Progress { return s.p }

// Status says what the step is doing right now; it is shown on a terminal. Of a
// nil step nobody looks.
func (s *Step) Status(format string, args ...any) {
	if s == nil {
		return
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.status = Escape(fmt.Sprintf(format, args...))
}

// Done ends the step; it returns the time it took.
func (s *Step) Done(err error) time.Duration {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	took := time.Since(s.start)
	if s.lasts != nil {
		s.lasts.Stop()
	}
	for i, other := range p.steps {
		if other == s {
			p.steps = append(p.steps[:i], p.steps[i+1:]...)
			break
		}
	}
	mark := p.paint("32", "✓")
	if err != nil {
		mark = p.paint("31", "✗")
	}
	p.redraw(fmt.Sprintf(" %s %-52s %7s\n", mark, s.name, Seconds(took)))
	if len(p.steps) == 0 && p.stop != nil {
		close(p.stop)
		p.stop = nil
	}
	return took
}

// Line prints one line above the running steps.
func (p *Progress) Line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.redraw(Escape(fmt.Sprintf(format, args...)) + "\n")
}

// Seconds writes a duration as people read it: "0.34 s", "12.3 s", "2 m 05 s".
func Seconds(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 9.995: // what follows would round up to 10.00
		return fmt.Sprintf("%.2f s", s)
	case s < 99.95:
		return fmt.Sprintf("%.1f s", s)
	default:
		whole := int(math.Round(s))
		return fmt.Sprintf("%d m %02d s", whole/60, whole%60)
	}
}

func (p *Progress) paint(code, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// redraw prints text for good and the running steps below it. The caller
// holds mu.
func (p *Progress) redraw(text string) {
	if p.quiet {
		return
	}
	if !p.live {
		fmt.Fprint(p.out, text)
		return
	}
	if p.drawn > 0 {
		fmt.Fprintf(p.out, "\x1b[%dA\x1b[J", p.drawn)
	}
	fmt.Fprint(p.out, text)
	width := widthOf(p.out.(*os.File))
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	frame := frames[int(time.Now().UnixMilli()/100)%len(frames)]
	for _, s := range p.steps {
		line := []rune(fmt.Sprintf(" %c %-52s %7s  %s", frame, s.name, Seconds(time.Since(s.start)), s.status))
		if len(line) > width-1 {
			line = line[:width-1]
		}
		fmt.Fprintf(p.out, "%s\n", string(line))
	}
	p.drawn = len(p.steps)
}

// widthOf is how many columns a terminal has.
func widthOf(terminal *os.File) int {
	width, _, err := term.GetSize(int(terminal.Fd()))
	if err != nil || width < 20 {
		return 80
	}
	return width
}

func (p *Progress) animate(stop chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			p.mu.Lock()
			p.redraw("")
			p.mu.Unlock()
		}
	}
}
