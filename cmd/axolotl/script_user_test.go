package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"axolotl/internal/store"
	"axolotl/vm/image"
)

// upVariable has TestVMUser bring a cluster up as well, which takes minutes: a
// user has no golden snapshot of root's.
const upVariable = "AXOLOTL_TEST_SESSION"

// TestVMUser runs scripts as an ordinary user, who is made for it and is in no
// group: what he types as axolotl and virsh is run as he would.
func TestVMUser(t *testing.T) {
	if testing.Short() {
		t.Skip("makes virtual machines")
	}
	if os.Geteuid() != 0 {
		t.Skip("makes a user, as only root can")
	}
	id, err := image.ID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.Open(store.Home{Cache: "/var/cache/axolotl"}, id); err != nil {
		t.Skipf("a user would build the node image for half an hour, as root has none for him: %v", err)
	}
	ordinary := newUser(t)
	scripts := []string{"checks"}
	if os.Getenv(upVariable) != "" {
		scripts = append(scripts, "up")
	} else {
		t.Logf("no cluster is brought up: that is done with %s=1", upVariable)
	}
	for _, script := range scripts {
		testscript.RunT(sequential{t}, testscript.Params{
			Files:       []string{filepath.Join("testdata/user", script+".txtar")},
			WorkdirRoot: vmWorkDir(t),
			Cmds:        scriptCommands,
			Setup: func(env *testscript.Env) error {
				env.Defer(func() { endAll(t, env.WorkDir) })
				env.Setenv(testVariable, strconv.Itoa(os.Getpid()))
				env.Setenv("USERHOME", ordinary.home)
				env.Setenv("PATH", ordinary.bin+":"+env.Getenv("PATH"))
				return nil
			},
		})
	}
}

// testUser is a user of the host that a test has made.
type testUser struct {
	name, home string
	uid        int
	bin        string // programs that run as the user, whoever calls them
}

// newUser makes a user and removes him with all that he has left.
func newUser(t *testing.T) testUser {
	t.Helper()
	root := vmWorkDir(t)
	// So long that libvirt's own path for the guest agent's socket would be too
	// long, and short enough for the one of the monitor, which cannot be chosen.
	home, err := os.MkdirTemp("/var/tmp", "axolotl-user-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	u := testUser{name: fmt.Sprintf("axolotl-test-%d", os.Getpid()), home: home, bin: filepath.Join(root, "bin")}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("useradd", "--no-create-home", "--home-dir", u.home, "--shell", "/bin/sh", u.name).CombinedOutput()
	if err != nil {
		t.Fatalf("useradd: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("userdel", u.name).CombinedOutput(); err != nil {
			t.Errorf("userdel: %v: %s", err, out)
		}
	})
	account, err := user.Lookup(u.name)
	must(err)
	u.uid, err = strconv.Atoi(account.Uid)
	must(err)
	t.Cleanup(func() { u.end(t) })
	must(os.Chown(u.home, u.uid, -1)) // of mode 0700, as Debian has it

	// This test binary is axolotl where it has that name.
	program := filepath.Join(root, "program", "axolotl")
	must(os.MkdirAll(filepath.Dir(program), 0o755))
	must(copyProgram(program))
	must(os.MkdirAll(u.bin, 0o755))
	for name, command := range map[string]string{"axolotl": program, "virsh": "virsh -q -c qemu:///session"} {
		text := fmt.Sprintf(`#!/bin/sh
cd %[2]s && exec runuser -u %[1]s -- env -i HOME=%[2]s USER=%[1]s LOGNAME=%[1]s PATH=/usr/local/bin:/usr/bin:/bin WORK="$WORK" %[3]s="$%[3]s" %[4]s "$@"
`, u.name, u.home, testVariable, command)
		must(os.WriteFile(filepath.Join(u.bin, name), []byte(text), 0o755))
	}
	return u
}

func copyProgram(to string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	from, err := os.Open(self)
	if err != nil {
		return err
	}
	defer from.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, from); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// end removes the machines that the user has left, which is a failure, and ends
// his libvirt, which would do so by itself after two minutes.
func (u testUser) end(t *testing.T) {
	virsh := func(args ...string) string {
		out, err := exec.Command(filepath.Join(u.bin, "virsh"), args...).CombinedOutput()
		if err != nil {
			t.Errorf("virsh %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	for name := range strings.FieldsSeq(virsh("list", "--all", "--name")) {
		t.Errorf("machine %s is left", name)
		_ = exec.Command(filepath.Join(u.bin, "virsh"), "destroy", name).Run() // it may be off
		_ = exec.Command(filepath.Join(u.bin, "virsh"), "undefine", name).Run()
	}
	for limit := time.Now().Add(awaitLimit); ; time.Sleep(50 * time.Millisecond) {
		pids := u.processes()
		if len(pids) == 0 {
			return
		}
		if time.Now().After(limit) {
			t.Errorf("processes %v of user %s do not end", pids, u.name)
			return
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended
		}
	}
}

// processes are those that run as the user.
func (u testUser) processes() []int {
	var pids []int
	entries, _ := filepath.Glob("/proc/[0-9]*") // the pattern is fixed
	for _, entry := range entries {
		info, err := os.Stat(entry)
		if err != nil || info.Sys().(*syscall.Stat_t).Uid != uint32(u.uid) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(entry)) // the pattern is of digits
		pids = append(pids, pid)
	}
	return pids
}
