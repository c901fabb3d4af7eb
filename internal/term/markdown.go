package term

import (
	"regexp"
	"strings"
)

// Markdown renders plain Markdown for a terminal: headings and **bold** in
// bold, `code` and fenced blocks in colour, lists as they stand. Without color
// only the fences go, so that the text stays fit to be read and piped. The text
// is escaped first: whatever it holds, it cannot steer the terminal.
func Markdown(text string, color bool) string {
	paint := func(code, text string) string {
		if !color {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(Escape(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
			continue
		case fenced:
			line = "    " + paint("36", line)
		case heading.MatchString(line):
			line = paint("1", heading.ReplaceAllString(line, ""))
		case color:
			line = inline(line, paint)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

var (
	heading = regexp.MustCompile(`^#{1,6} `)
	spans   = regexp.MustCompile("`[^`]+`|\\*\\*[^*]+\\*\\*|\\*[^*\\s][^*]*\\*")
)

func inline(line string, paint func(code, text string) string) string {
	return spans.ReplaceAllStringFunc(line, func(span string) string {
		switch {
		case span[0] == '`':
			return paint("36", span[1:len(span)-1])
		case strings.HasPrefix(span, "**"):
			return paint("1", span[2:len(span)-2])
		default:
			return paint("3", span[1:len(span)-1])
		}
	})
}
