package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"axolotl/internal/store"
)

// terminal opens a pseudo-terminal: what a person has, and what the program has.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs a pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(person.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100})
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, program
}

// On a terminal top shows what there is until q is pressed, and leaves the
// terminal as it was.
func TestTopOnATerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a program")
	}
	person, program := terminal(t)
	before, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("axolotl", "top") // this binary: testscript has put it on the path
	cmd.Env = append(os.Environ(), store.HomeVariable+"="+t.TempDir(), "TERM=xterm-256color")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, as a rule

	var screen bytes.Buffer
	pressed, limit := false, time.AfterFunc(awaitLimit, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	ended := make(chan error, 1)
	var after *unix.Termios
	go func() {
		err := cmd.Wait()
		after, _ = unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS) // nil where it cannot be had
		program.Close()                                                 // with it the person's side ends
		ended <- err
	}()
	for buffer := make([]byte, 4096); ; {
		n, err := person.Read(buffer)
		screen.Write(buffer[:n])
		if !pressed && bytes.Contains(screen.Bytes(), []byte("q quits")) {
			pressed = true
			if _, err := person.WriteString("q"); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("%v; on the screen: %q", err, screen.String())
	}
	if !bytes.Contains(screen.Bytes(), []byte("no cluster; make one with")) {
		t.Errorf("on the screen: %q", screen.String())
	}
	if after == nil || *after != *before {
		t.Error("the terminal is not as it was")
	}
}
