package minikube

import (
	"bufio"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

// guest is a machine to a real minikube: an SSH server on loopback, behind which
// this host's shell runs what it is told. All that a machine does as root is
// played, by this test's own binary under the name sudo (see sudoMain).
type guest struct {
	t        *testing.T
	dir      string // holds its disk, and what it was told to do as root
	bin      string // has sudo
	listener net.Listener
	terminal atomic.Bool // one was asked for
}

// guestDir is the variable with the directory of a guest.
const guestDir = "AXOLOTL_FAKE_GUEST"

// newGuest returns one that is on, and whose kubelet runs.
func newGuest(t *testing.T) *guest {
	t.Helper()
	g := &guest{t: t, dir: t.TempDir(), bin: t.TempDir()}
	self, err := os.Executable()
	must(t, err)
	must(t, os.Symlink(self, filepath.Join(g.bin, "sudo")))
	must(t, os.WriteFile(filepath.Join(g.bin, "docker"), []byte("#!/bin/sh\n"), 0o700)) //nolint:gosec // it is run, and lists no container
	must(t, os.Mkdir(filepath.Join(g.dir, "disk"), 0o700))
	must(t, os.WriteFile(filepath.Join(g.dir, "kubelet"), nil, 0o600))
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	g.listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { g.listener.Close() })
	go func() {
		for {
			conn, err := g.listener.Accept()
			if err != nil {
				return // it is off
			}
			go g.serve(conn, config)
		}
	}()
	return g
}

func (g *guest) port() int { return g.listener.Addr().(*net.TCPAddr).Port }

// told are the commands that it got as root.
func (g *guest) told(words string) []string {
	g.t.Helper()
	data, err := os.ReadFile(filepath.Join(g.dir, "told"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		g.t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(string(data)), "\n"), func(line string) bool { return !strings.HasPrefix(line, words) })
}

// serve serves a connection. Clients go away in the middle, which is no error.
func (g *guest) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for asked := range channels {
		channel, requests, err := asked.Accept()
		if err != nil {
			return
		}
		go g.session(channel, requests)
	}
}

func (g *guest) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	for request := range requests {
		switch request.Type {
		case "pty-req":
			g.terminal.Store(true)
			_ = request.Reply(true, nil)
		case "exec":
			var command struct{ Text string }
			_ = request.Reply(ssh.Unmarshal(request.Payload, &command) == nil, nil)
			go func() {
				code := g.shell(channel, command.Text)
				_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(code)})) //nolint:gosec // it is small
				channel.Close()
			}()
		default:
			_ = request.Reply(request.Type == "env", nil)
		}
	}
}

// shell runs a command. Once its kubelet is stopped, the machine goes off.
func (g *guest) shell(channel ssh.Channel, command string) int {
	cmd := exec.Command("/bin/sh", "-c", command) //nolint:gosec,noctx // it is what a machine is for; it ends by itself
	cmd.Dir = g.dir
	cmd.Env = []string{"PATH=" + g.bin + ":/usr/bin:/bin", guestDir + "=" + g.dir}
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 126
	}
	go func() {
		_, _ = io.Copy(stdin, channel)
		stdin.Close()
	}()
	err = cmd.Run()
	if !has(filepath.Join(g.dir, "kubelet")) {
		g.listener.Close()
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		return 126
	}
	return 0
}

// sudoMain does in a guest what minikube and the driver have root do there. What
// it does not know it refuses, so that nothing is done to this host.
func sudoMain(args []string) int {
	dir := os.Getenv(guestDir)
	log, err := os.OpenFile(filepath.Join(dir, "told"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(err)
	fmt.Fprintln(log, strings.Join(args, " "))
	check(log.Close())
	kubelet := filepath.Join(dir, "kubelet")
	onDisk := func(file string) string { return filepath.Join(dir, "disk", path.Base(file)) }
	last := args[len(args)-1]
	switch args[0] {
	case "service": // minikube's driver ssh does not find systemd
		switch {
		case args[2] == "stop":
			check(os.Remove(kubelet))
		case !has(kubelet):
			return 3
		}
	case "pgrep":
		fmt.Println(1)
	case "grep":
		fmt.Println("0::/of-the-api-server")
	case "cat":
		fmt.Println(0) // it is not frozen
	case "egrep": // as where there are cgroups of version 2
		return 1
	case "mkdir", "touch":
	case "KUBECONFIG=/var/lib/minikube/kubeconfig", "/bin/bash": // drain, and kubeadm reset
	case "scp":
		check(receive(os.Stdin, filepath.Join(dir, "disk")))
	case "ctr":
		data, err := os.ReadFile(onDisk(last))
		check(err)
		if string(data) != "an archive" {
			fmt.Fprintln(os.Stderr, "ctr: unrecognized image format")
			return 1
		}
	case "rm":
		check(os.RemoveAll(onDisk(last)))
	case "printf", "sh", "false":
		cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // the test gave it
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		check(err)
	default:
		fmt.Fprintf(os.Stderr, "sudo: %s: command not found\n", args[0])
		return 127
	}
	return 0
}

// receive is the end of scp that gets one file.
func receive(from io.Reader, dir string) error {
	r := bufio.NewReader(from)
	var mode, size int64
	var name string
	header, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if _, err := fmt.Sscanf(header, "C%o %d %s", &mode, &size, &name); err != nil {
		return fmt.Errorf("%q: %w", header, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, size))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, path.Base(name)), data, 0o600)
}

// newKey writes a private key, as a machine's is.
func newKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	must(t, err)
	file := filepath.Join(t.TempDir(), "id")
	must(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	return file
}
