package main

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"axolotl/internal/term"
)

// topEvery is the pause between one look and the next.
const topEvery = time.Second

// topModel is what top shows and how it answers to keys.
type topModel struct {
	look          func() topScene
	scene         topScene
	width, height int // of the terminal; 0: not known yet
}

// lookAgain asks for another look.
type lookAgain struct{}

// Init implements tea.Model.
func (m topModel) Init() tea.Cmd { return later() }

func later() tea.Cmd { return tea.Tick(topEvery, func(time.Time) tea.Msg { return lookAgain{} }) }

// Update implements tea.Model.
func (m topModel) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.KeyPressMsg:
		switch message.String() {
		case "q", "esc", "ctrl+c":
			return m, tea.Quit
		}
	case tea.WindowSizeMsg:
		m.width, m.height = message.Width, message.Height
	case lookAgain:
		return m, func() tea.Msg { return m.look() } // beside: it may take a while
	case topScene:
		m.scene = message
		return m, later()
	}
	return m, nil
}

// View implements tea.Model.
func (m topModel) View() tea.View {
	view := tea.NewView(m.clip(m.scene.draw()))
	view.AltScreen = true
	return view
}

// clip cuts the text to the terminal; how to quit always shows.
func (m topModel) clip(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	const foot = "q quits"
	if m.height > 2 && len(lines) > m.height-2 {
		hidden := len(lines) - (m.height - 2)
		lines = append(lines[:m.height-2], fmt.Sprintf("%s   (%d more lines; make the window higher)", foot, hidden))
	} else {
		lines = append(lines, "", foot)
	}
	if m.width > 0 {
		for i, line := range lines {
			lines[i] = ansi.Truncate(line, m.width, "…")
		}
	}
	return strings.Join(lines, "\n")
}

// draw writes the scene. Text of clusters is escaped.
func (s topScene) draw() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintln(&b, term.Escape(fmt.Sprintf(format, args...))) }
	line("axolotl top   %s", s.At.Format(time.TimeOnly))
	for _, fault := range s.Faults {
		line("! %s", fault)
	}
	if len(s.Clusters) == 0 {
		line("\nno cluster; make one with 'axolotl up'")
	}
	for _, c := range s.Clusters {
		line("")
		s.drawCluster(&b, c)
	}
	for _, p := range s.Running {
		line("\nat work for %s:", term.Seconds(s.At.Sub(p.Started)))
		p.Draw(&b) //nolint:errcheck // a builder takes all
	}
	if len(s.Ended) > 0 {
		line("")
		printRuns(&b, s.Ended) //nolint:errcheck // as above
	}
	if len(s.Firings) > 0 {
		line("")
		var rows [][]string
		for _, f := range s.Firings {
			rows = append(rows, []string{f.Start.Format(time.RFC3339), "in " + inTime(f.Start.Sub(s.At)), f.Schedule, f.Experiment, f.Cluster})
		}
		term.Table(&b, []string{"NEXT FIRING", "", "SCHEDULE", "EXPERIMENT", "CLUSTER"}, rows) //nolint:errcheck // as above
	}
	return b.String()
}

func (s topScene) drawCluster(b *strings.Builder, c topCluster) {
	if c.Status == nil {
		fmt.Fprintf(b, "cluster %s: %s\n", c.Name, term.Escape(c.Fault))
		return
	}
	health := "healthy"
	if !c.Status.Healthy {
		health = "NOT HEALTHY"
	}
	fmt.Fprintf(b, "cluster %s (%s), driver %s: %s\n", c.Name, c.Status.Phase, c.Status.Driver, health)
	nodeTable(b, c.Status.Nodes) //nolint:errcheck // a builder takes all
}

// inTime is a time to come as people read it: "45 s", "3 h 20 min", "5 d 4 h".
func inTime(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < oneDay:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %d h", d/oneDay, d%oneDay/time.Hour)
}
