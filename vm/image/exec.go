package image

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// runTool runs a command made by exec.CommandContext with ctx, tells each line that it
// prints to line (where not nil), and puts the last lines into the error. When
// the context ends, the command and its children are told to stop, and killed
// 4 s later.
func runTool(ctx context.Context, cmd *exec.Cmd, line func(string)) error {
	const patience = 4 * time.Second
	output, input, err := os.Pipe()
	if err != nil {
		return err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = input, input
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	stopped := false
	cmd.Cancel = func() error {
		stopped = true
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	cmd.WaitDelay = patience
	err = cmd.Start()
	input.Close()
	if err != nil {
		return err
	}
	tail := make(chan []string, 1)
	go func() { tail <- follow(output, line) }()
	err = cmd.Wait()
	if stopped {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // children that outlived it
		return context.Cause(ctx)
	}
	if last := <-tail; err != nil {
		return fmt.Errorf("%s: %w; the last lines were:\n%s", filepath.Base(cmd.Path), err, strings.Join(last, "\n"))
	}
	return nil
}

// follow reads lines until the end and returns the last ones.
func follow(output io.Reader, line func(string)) []string {
	const keep = 15
	var tail []string
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if tail = append(tail, lines.Text()); len(tail) > keep {
			tail = tail[1:]
		}
		if line != nil {
			line(lines.Text())
		}
	}
	_, _ = io.Copy(io.Discard, output) // so that a line too long blocks nobody
	return tail
}

// findTool finds a program on PATH or where administrators have theirs.
func findTool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no %s", name)
}
