package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
)

// interruptible is the context of the whole process. It ends with Ctrl-C, SIGTERM,
// or the terminal (SIGHUP), and cancel ends it, too.
func interruptible() (ctx context.Context, cancel context.CancelCauseFunc) {
	parent, cancel := context.WithCancelCause(context.Background())
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP)
		// NOTE: no second one ends the process at once: a shell that dies with its
		// terminal sends one, and so does the kernel.
		go func() { <-hangups; cancel(errors.New("hangup signal received")) }()
	}
	// A pipe that nobody reads any more is an error of a write, and kills nothing in
	// the middle of an undo. It is not ignored, which all that we start would inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once: what it was making is on
	// record, and the next command finishes or undoes it.
	context.AfterFunc(ctx, stop)
	return ctx, cancel
}

// tellInterrupted says that a command is still ending, where it does not at once.
func tellInterrupted(cmd *cobra.Command, progress *term.Progress) {
	if cmd.Hidden || cmd.Name() == "serve" { // they have logs
		return
	}
	context.AfterFunc(cmd.Context(), func() {
		time.Sleep(200 * time.Millisecond)
		progress.Line("interrupted: ending in order, and undoing what has to be; Ctrl-C again ends at once and leaves that to the next command")
	})
}

// errNobodyReads is why a command ends whose output is for nobody.
var errNobodyReads = errors.New("nobody reads the output any more")

// output is stdout where that is no terminal. Where nobody reads it any more, as
// behind 'head', the command is ended in order.
type output struct {
	io.Writer
	cancel context.CancelCauseFunc
	broken atomic.Bool
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		o.broken.Store(true)
		o.cancel(errNobodyReads)
	}
	return n, err
}
