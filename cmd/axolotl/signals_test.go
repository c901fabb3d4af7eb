package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
)

// A command that takes its time to end says that it does.
func TestInterruptedIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	read, write := io.Pipe()
	tellInterrupted(cmd, term.NewProgress(write, false))
	cancel()
	if line, err := bufio.NewReader(read).ReadString('\n'); err != nil || !strings.HasPrefix(line, "interrupted: ending in order") {
		t.Errorf("%q, %v", line, err)
	}
}
