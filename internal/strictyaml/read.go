package strictyaml

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// ReadFile reads a document, and of one that is too large only so much that Parse can
// tell: it may have no end. What is no regular file is refused, as to open a named pipe
// waits for somebody to write into it, past every signal; what this process was given
// open (/dev/stdin, or <(…) of a shell) is read as it comes.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		failed.Op = "open" // what the reader of the error asked for
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; check the path", err)
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !givenOpen(path) {
		return nil, fmt.Errorf("%s is %s; want a file, or /dev/stdin", path, kindOf(info.Mode()))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxBytes+1))
}

// givenOpen tells whether a path names what this process has open already.
func givenOpen(path string) bool {
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

// kindOf says what is no regular file.
func kindOf(mode os.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&os.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&os.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}
