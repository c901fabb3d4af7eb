package chaos

import (
	"fmt"
	"io"
	"time"

	"axolotl/internal/term"
)

// trendColumns is how many windows a person is shown: as many as fit into a
// terminal.
const trendColumns = 6

// Draw writes the trend for a person: a column for each of the latest windows,
// and below it what became slower or faster, and when.
func (t *Trend) Draw(w io.Writer) error {
	mark, runs := "", 0
	if t.Simulated {
		mark = "   SIMULATED: no container ran"
	}
	for _, window := range t.Windows {
		runs += window.Runs
	}
	_, err := fmt.Fprintf(w, "experiment %s (driver %s), %d run(s) in windows of %d: median and 95th percentile, in seconds%s\n\n",
		term.Escape(t.Experiment), t.Driver, runs, t.Window, mark)
	if err != nil {
		return err
	}
	first := max(len(t.Windows)-trendColumns, 0)
	header, healed := []string{"FROM"}, []string{"healed in time"}
	for _, window := range t.Windows[first:] {
		header = append(header, day(window.From))
		healed = append(healed, fmt.Sprintf("%d of %d", window.Healed, window.Runs))
	}
	rows := [][]string{healed}
	for _, p := range t.Phases {
		row := []string{p.Name}
		for _, s := range p.Windows[first:] {
			cell := "unknown"
			if s.N > 0 {
				cell = fmt.Sprintf("%.2f  %.2f", s.Median.Seconds(), s.P95.Seconds())
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	if err := term.Table(w, header, rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\n%s", t.story(runs))
	return err
}

// story tells what became slower or faster.
func (t *Trend) story(runs int) string {
	text := ""
	for _, p := range t.Phases {
		for _, s := range p.Shifts {
			how := "FASTER"
			if s.Slower {
				how = "SLOWER"
			}
			text += fmt.Sprintf("%s  %s since run %s (%s): median %s before, %s from it on (%+.0f %%, p = %.2g)\n",
				how, p.Name, term.Escape(s.Run), s.At.UTC().Format(time.RFC3339), term.Seconds(s.Before), term.Seconds(s.After),
				100*float64(s.After-s.Before)/float64(s.Before), s.P)
		}
	}
	switch {
	case text != "":
		return text
	case runs < 2*t.Window:
		return fmt.Sprintf("too few runs to tell whether anything became slower: it takes %d, there are %d\n", 2*t.Window, runs)
	}
	return "nothing became slower or faster\n"
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
