// Package sshdtest gives tests another host to reach by ssh, which is this one: a
// sshd of the test's own on a port of loopback, with keys of its own.
package sshdtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Server is a sshd that runs until the test ends.
type Server struct {
	Port int
	PID  int // of who listens; each connection has a process of its own
	// Program is an ssh that knows the server's key and has the one that it
	// lets in, and no other settings.
	Program string
}

// URI is the one of a user's own libvirt behind the server.
func (s Server) URI(user string) string {
	return fmt.Sprintf("qemu+ssh://%s@127.0.0.1:%d/session?command=%s", user, s.Port, s.Program)
}

// Start starts a server that lets in whoever exists on this host; it skips the
// test where there is no sshd.
func Start(t testing.TB) Server {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd" // a user's PATH seldom has it
	}
	if _, err := os.Stat(sshd); err != nil {
		t.Skipf("%v; install it (Debian: apt-get install openssh-server)", err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		must(os.MkdirAll("/run/sshd", 0o755)) // where its unprivileged part is
	}
	// Not t.TempDir, which other users may not pass: sshd reads the key as who
	// logs in.
	dir, err := os.MkdirTemp("/var/tmp", "axolotl-sshd-*")
	must(err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(os.Chmod(dir, 0o755))
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		must(os.WriteFile(path, []byte(text), mode))
		return path
	}
	for _, key := range []string{"host", "user"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	s := Server{Port: freePort(t)}
	host, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	must(err)
	known := write("known", fmt.Sprintf("[127.0.0.1]:%d %s", s.Port, host), 0o644)
	client := write("client", fmt.Sprintf("IdentityFile %s\nIdentitiesOnly yes\nUserKnownHostsFile %s\nStrictHostKeyChecking yes\n",
		filepath.Join(dir, "user"), known), 0o644)
	s.Program = write("ssh", fmt.Sprintf("#!/bin/sh\nexec ssh -F %s \"$@\"\n", client), 0o755)
	config := write("server", fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nPidFile none\nUsePAM no\nMaxStartups 100\n",
		s.Port, filepath.Join(dir, "host"), filepath.Join(dir, "user.pub")), 0o644)
	log, err := os.Create(filepath.Join(dir, "log"))
	must(err)
	defer log.Close()
	cmd := exec.Command(sshd, "-D", "-e", "-f", config)
	cmd.Stderr = log
	// It ends with a test that is killed, too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(cmd.Start())
	s.PID = cmd.Process.Pid
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := os.ReadFile(log.Name()) // it helps, where it can be had
			t.Logf("sshd: %s", said)
		}
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	await(t, s.Port)
	return s
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// await waits until somebody listens.
func await(t testing.TB, port int) {
	t.Helper()
	const limit = 2 * time.Minute // of a machine that does much else
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
			return
		}
		if time.Since(begun) > limit {
			t.Fatalf("sshd does not listen: %v", err)
		}
	}
}
