package daemon

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Self makes commands that run this executable with a subcommand of it and one
// argument.
func Self(subcommand string) func(argument string) (*exec.Cmd, error) {
	return func(argument string) (*exec.Cmd, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return exec.Command(self, subcommand, argument), nil
	}
}

// Launch starts a process that outlives this one, marked as p, and returns when
// it has said on its standard output that it has begun, with the word ready;
// anything else that it says is why it has not. Its standard error goes to the
// end of log. cmd says what to run, and is used up.
func (k Kind) Launch(ctx context.Context, cmd *exec.Cmd, p Process, log, ready string) error {
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		return err
	}
	output, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	said, says, err := os.Pipe()
	if err != nil {
		return err
	}
	defer said.Close()
	cmd.Dir = p.Dir
	cmd.Env = append(cmd.Environ(), k.Environ(p)...)
	cmd.Stdout, cmd.Stderr = says, output
	// A session of its own: neither Ctrl-C nor the end of the terminal reach it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	says.Close()
	if err != nil {
		return fmt.Errorf("start the %s: %w", p.Component, err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() //nolint:errcheck // it has said what there is to say
		close(ended)
	}()

	stop := context.AfterFunc(ctx, func() { said.SetReadDeadline(time.Now()) }) //nolint:errcheck // a pipe has deadlines
	defer stop()
	answer, err := io.ReadAll(said)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case string(answer) != ready:
		// It ends by itself: whoever is told so finds nothing of it any more.
		select {
		case <-ended:
		case <-ctx.Done():
		}
		return fmt.Errorf("the %s did not start: %s; see %s", p.Component, strings.TrimSpace(string(answer)), log)
	}
	return nil
}

// Answer says to whoever has launched this process that it has begun, with the
// word ready, or err, and closes to. That its launcher may have been killed is no
// reason to end.
func Answer(to io.WriteCloser, ready string, err error) {
	if err != nil {
		ready = err.Error()
	}
	signal.Ignore(syscall.SIGPIPE)
	_, _ = io.WriteString(to, ready)
	_ = to.Close()
}
