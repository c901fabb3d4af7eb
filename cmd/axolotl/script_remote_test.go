package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"axolotl/internal/store"
	"axolotl/vm/image"
	"axolotl/vm/libvirt/sshdtest"
)

// remoteVariable has TestVMRemote bring a cluster up as well, which takes minutes:
// machines on another host boot.
const remoteVariable = "AXOLOTL_TEST_REMOTE"

// TestVMRemote runs scripts with machines on another host. That is this one,
// behind a sshd of the test's own; the second libvirt there is that of a user who
// is made for it.
func TestVMRemote(t *testing.T) {
	if testing.Short() {
		t.Skip("makes virtual machines")
	}
	if os.Geteuid() != 0 {
		t.Skip("makes a user, as only root can")
	}
	home, err := store.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	id, err := image.ID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.Open(home, id); err != nil {
		t.Skipf("the node image would be built for half an hour: %v", err)
	}
	server := sshdtest.Start(t)
	far := newUser(t)
	// With '!', as useradd leaves it, sshd lets nobody in, by a key neither.
	if out, err := exec.Command("usermod", "-p", "*", far.name).CombinedOutput(); err != nil {
		t.Fatalf("usermod: %v: %s", err, out)
	}
	if err := os.Symlink("virsh", filepath.Join(far.bin, "virsh-far")); err != nil {
		t.Fatal(err)
	}
	scripts := []string{"checks"}
	if os.Getenv(remoteVariable) != "" {
		scripts = append(scripts, "up", "spread")
	} else {
		t.Logf("no cluster is brought up: that is done with %s=1", remoteVariable)
	}
	for _, script := range scripts {
		testscript.RunT(sequential{t}, testscript.Params{
			Files:       []string{filepath.Join("testdata/remote", script+".txtar")},
			WorkdirRoot: vmWorkDir(t),
			Cmds:        scriptCommands,
			Setup: func(env *testscript.Env) error {
				env.Defer(func() { endAll(t, env.WorkDir) })
				env.Defer(func() { removeDomains(t, env) })
				env.Setenv("FAR", server.URI(far.name))
				env.Setenv("SYSTEM", strings.Replace(server.URI(far.name), "/session?", "/system?", 1))
				env.Setenv("SSHD", strconv.Itoa(server.PID))
				env.Setenv("NOBODY", server.URI("axolotl-nobody"))
				env.Setenv("USERHOME", far.home)
				// The user's axolotl is not meant, and so comes last.
				env.Setenv("PATH", fmt.Sprintf("%s:%s", env.Getenv("PATH"), far.bin))
				return enclose(env, home)
			},
		})
	}
}
