package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// testVariable tells what a script starts which process the test is.
const testVariable = "AXOLOTL_TEST_PID"

// endWith ends this process, a supervisor too, when the test has ended without
// doing so: it was killed itself.
func endWith(test string) {
	pid, err := strconv.Atoi(test)
	if err != nil {
		return // started by hand
	}
	fd, err := unix.PidfdOpen(pid, 0)
	for err == nil {
		_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		if err == nil || !errors.Is(err, unix.EINTR) {
			break
		}
		err = nil
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM) // as a person would end it
}

// process is one that a script has started, by what its environment says.
type process struct {
	pid       int
	component string // of a local cluster, or of a tunnel; empty for others
	command   string
}

func (p process) String() string { return fmt.Sprintf("%s (pid %d)", p.command, p.pid) }

// processesOf returns the processes whose environment names the directory of a
// script: all that it has started, however far away.
func processesOf(work string) []process {
	var found []process
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is fixed
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(environ, []byte("WORK="+work+"\x00")) {
			continue // another user's, gone, or not ours
		}
		dir := filepath.Dir(file)
		pid, _ := strconv.Atoi(filepath.Base(dir))               // the pattern is of digits
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline")) // empty where it has just ended
		words := strings.Split(strings.TrimRight(string(command), "\x00"), "\x00")
		p := process{pid: pid, command: strings.Join(words[:min(len(words), 3)], " ")}
		for variable := range bytes.SplitSeq(environ, []byte{0}) {
			for _, kind := range []string{"LOCAL", "TUNNEL"} {
				if component, ok := bytes.CutPrefix(variable, []byte("AXOLOTL_"+kind+"_COMPONENT=")); ok {
					p.component = string(component)
				}
			}
		}
		found = append(found, p)
	}
	return found
}

// endAll kills what a script has left running, also one that failed. To leave
// something is a failure of its own.
func endAll(t *testing.T, work string) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		left := processesOf(work)
		if len(left) == 0 {
			return
		}
		for _, p := range left {
			t.Errorf("%s has left %s", filepath.Base(work), p)
			_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may have ended meanwhile
		}
	}
	t.Errorf("%s: its processes cannot be killed", filepath.Base(work))
}
