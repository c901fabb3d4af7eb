// Command axolotl makes disposable Kubernetes clusters of real VMs, runs labs
// on them, breaks them, and proves that they healed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	_ "time/tzdata" // schedules name zones, and a host may have none

	"axolotl/chaos"
	"axolotl/internal/term"
	"axolotl/vm/cluster"
)

func main() { os.Exit(run()) }

// run is main with an exit code, so that deferred calls are made.
func run() int {
	// Root's QEMU is another user, who enters directories of ours whatever the
	// umask of root's shell; what is secret has its own permissions.
	if os.Geteuid() == 0 {
		syscall.Umask(0o022)
	}
	ctx, cancel := interruptible()
	defer cancel(nil)
	stdout := &output{Writer: os.Stdout, cancel: cancel}
	a := newApp(os.Stdin, stdout, os.Stderr)
	if term.IsLive(os.Stdout) {
		a.out = os.Stdout // it can be drawn anew
	}
	root := newRoot(a)
	err := root.ExecuteContext(ctx)
	a.close()
	if stdout.broken.Load() && (err == nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled)) {
		return exitBrokenPipe
	}
	if err == nil {
		return exitOK
	}
	if message := err.Error(); message != "" {
		fmt.Fprintf(os.Stderr, "axolotl: %s%s\n", heading(err), term.Escape(message))
	}
	// A verdict is told also after a signal: whether something is left to
	// undo matters more than that there was one.
	var verdict *chaos.VerdictError
	if ctx.Err() != nil && !errors.As(err, &verdict) {
		return exitInterrupted
	}
	var name *cluster.NameError
	if errors.As(err, &name) {
		return exitUsage
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitFailed
}
