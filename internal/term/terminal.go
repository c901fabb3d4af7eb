package term

import (
	"os"

	"golang.org/x/term"
)

// IsTerminal tells whether a stream is a terminal on which a cursor can be
// moved.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}
