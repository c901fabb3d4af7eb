package term

import (
	"strconv"
	"strings"
	"unicode"
)

// Escape makes text from a cluster safe to print: control characters,
// terminal escapes and characters that reorder a line are shown as Go writes
// them ("\x1b", "\u202e"); tabs and line ends stay.
func Escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == unicode.ReplacementChar:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
