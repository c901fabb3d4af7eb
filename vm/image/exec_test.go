package image

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRunToolShowsLinesAndLastWords(t *testing.T) {
	var lines []string
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "echo one; echo two >&2; exit 3")
	err := runTool(t.Context(), cmd, func(line string) { lines = append(lines, line) })
	if !slices.Equal(lines, []string{"one", "two"}) {
		t.Errorf("lines %q", lines)
	}
	if err == nil || !strings.Contains(err.Error(), "two") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v", err)
	}
}

// A tool and its children end with the context, also where they do not want
// to.
func TestRunToolEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cmd := exec.CommandContext(ctx, "sh", "-c", "trap '' TERM; sleep 600 & echo started; while :; do wait; done")
	start := time.Now()
	err := runTool(ctx, cmd, func(string) { cancel(why) })
	if !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
