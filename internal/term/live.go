package term

import (
	"fmt"
	"os"
	"strings"
)

// Live is a text on a terminal that is drawn anew in its place.
type Live struct {
	terminal *os.File
	drawn    int // lines on the screen
}

// NewLive draws on a terminal, see IsLive.
func NewLive(terminal *os.File) *Live { return &Live{terminal: terminal} }

// Draw puts a text into the place of the one before. Lines are cut to the
// terminal's width, or they could not be counted.
func (l *Live) Draw(text string) {
	width := widthOf(l.terminal)
	var out strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&out, "\x1b[%dA\x1b[J", l.drawn)
	}
	l.drawn = 0
	for line := range strings.Lines(text) {
		runes := []rune(strings.TrimSuffix(line, "\n"))
		out.WriteString(string(runes[:min(len(runes), width-1)]) + "\n")
		l.drawn++
	}
	fmt.Fprint(l.terminal, out.String())
}
