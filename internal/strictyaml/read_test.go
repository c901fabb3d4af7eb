package strictyaml

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What is no file is refused at once: a named pipe would wait for ever.
func TestReadOfWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe, socket := filepath.Join(dir, "pipe.yaml"), filepath.Join(dir, "socket.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for path, want := range map[string]string{
		pipe: "is a named pipe; want a file", socket: "is a socket", dir: "is a directory", "/dev/zero": "is a device",
		filepath.Join(dir, "missing.yaml"): "no such file",
	} {
		if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// A pipe that the process was given is read.
func TestReadOfAPipeThatIsOpen(t *testing.T) {
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := in.WriteString("name: a"); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(fmt.Sprintf("/dev/fd/%d", out.Fd())); err != nil || string(data) != "name: a" {
		t.Errorf("%q, %v", data, err)
	}
}
