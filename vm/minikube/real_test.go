package minikube

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"axolotl/internal/store"
	"axolotl/vm"
)

// realVariable is the path of a real minikube, where it is not in PATH: that
// of 'make minikube-test', which compiles one.
const realVariable = "AXOLOTL_TEST_MINIKUBE"

// real is a minikube that nobody else uses, on a host of which it sees nothing
// but what the test gives it.
type real struct {
	t    *testing.T
	bin  string // all of its PATH
	home string // its MINIKUBE_HOME
}

// newReal gives a test the minikube that is there. It gets to see no program of
// this host, so that no hypervisor is found or touched, and no network: what it
// would download is asked of a proxy that refuses.
func newReal(t *testing.T) *real {
	t.Helper()
	path := os.Getenv(realVariable)
	if path == "" {
		var err error
		if path, err = exec.LookPath(program); err != nil {
			t.Skipf("there is no minikube in PATH, nor in %s: 'make minikube-test' compiles one", realVariable)
		}
	}
	r := &real{t: t, bin: t.TempDir(), home: filepath.Join(t.TempDir(), ".minikube")}
	r.link(program, path)
	for name, value := range map[string]string{
		"PATH": r.bin, homeVariable: r.home, "KUBECONFIG": filepath.Join(t.TempDir(), "theirs"),
		"HOME": t.TempDir(), "TMPDIR": t.TempDir(), // it logs there
		"HTTP_PROXY": refuses, "HTTPS_PROXY": refuses, "NO_PROXY": "127.0.0.1",
		"LIBVIRT_DEFAULT_URI": "test:///default", "DOCKER_HOST": "",
	} {
		t.Setenv(name, value)
	}
	return r
}

// refuses is a proxy that nobody is at.
const refuses = "http://127.0.0.1:9"

// link puts a program of this host into its PATH.
func (r *real) link(name, path string) {
	r.t.Helper()
	must(r.t, os.Symlink(path, filepath.Join(r.bin, name)))
}

// script puts a program into its PATH that this is the shell's text of.
func (r *real) script(name, text string) {
	r.t.Helper()
	must(r.t, os.WriteFile(filepath.Join(r.bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700)) //nolint:gosec // it is run
}

// profile writes a file of a profile, as by hand.
func (r *real) profile(name, file, text string) {
	r.t.Helper()
	r.write(filepath.Join("profiles", name, file), text)
}

func (r *real) write(file, text string) {
	r.t.Helper()
	path := filepath.Join(r.home, file)
	must(r.t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(r.t, os.WriteFile(path, []byte(text), 0o600))
}

// planned is a cluster that is not up yet.
func planned(t *testing.T, d *Driver, workers int) *vm.Cluster {
	t.Helper()
	c := testCluster(t, workers)
	must(t, d.Plan(t.Context(), c))
	return c
}

// fails checks what minikube gave as the reason why it does not do something.
func fails(t *testing.T, err error, id string, code int, words string) {
	t.Helper()
	var failed *Error
	if !errors.As(err, &failed) {
		t.Errorf("it did not fail by minikube: %v", err)
		return
	}
	if failed.ID != id || failed.ExitCode != code || !strings.Contains(failed.Error(), words) {
		t.Errorf("failed by %s, exit code %d: %v\nwant %s, exit code %d, with %q", failed.ID, failed.ExitCode, failed, id, code, words)
	}
}

// TestRealVersion also tells which minikube it was.
func TestRealVersion(t *testing.T) {
	newReal(t)
	for _, check := range New("").Checks() {
		said, err := check.Run(t.Context())
		if err != nil || !strings.Contains(said, "/"+program+", v1.") {
			t.Errorf("%s: %q, %v", check.Name, said, err)
		}
		t.Log(said)
	}
}

// Each of minikube's drivers tells that it is not to be had here by an ID of its
// own, and what to do; and what was not begun goes down.
func TestRealProviders(t *testing.T) {
	const noDocker = `echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2; exit 1`
	for _, test := range []struct {
		provider, program, text string
		id                      string
		code                    int
		words                   string
	}{
		{provider: "docker", id: "PROVIDER_DOCKER_NOT_FOUND", code: 65, words: "; Install Docker"},
		{provider: "docker", program: "docker", text: noDocker, id: "PROVIDER_DOCKER_NOT_RUNNING", code: 63, words: "; Start the Docker service"},
		{provider: "docker", program: "docker", text: "echo permission denied >&2; exit 1", id: "PROVIDER_DOCKER_NEWGRP", code: 69, words: "; Add your user to the 'docker' group"},
		{provider: "kvm2", id: "PROVIDER_KVM2_NOT_FOUND", code: 65, words: "; Install libvirt"},
		{provider: "kvm2", program: "virsh", text: `[ "$1" = list ] || exit 0; echo "error: failed to connect" >&2; exit 1`, id: "PROVIDER_KVM2_ERROR", code: 69, words: "; Check that libvirtd is properly installed"},
		{provider: "qemu2", id: "PROVIDER_QEMU2_NOT_FOUND", code: 65, words: "; Install qemu-system"},
		{provider: "virtualbox", id: "PROVIDER_VIRTUALBOX_NOT_FOUND", code: 65, words: "; Install VirtualBox"},
		{provider: "vmware", id: "PROVIDER_VMWARE_NOT_FOUND", code: 65, words: "; Install vmrun"},
		{provider: "", id: "DRV_NOT_DETECTED", code: 55, words: "Try specifying --driver"},
		{provider: "", program: "docker", text: noDocker, id: "DRV_DOCKER_NOT_RUNNING", code: 55, words: "Try restarting the docker service"},
	} {
		t.Run(test.provider+"/"+test.id, func(t *testing.T) {
			r := newReal(t)
			if test.program != "" {
				r.script(test.program, test.text)
			}
			d := New(test.provider)
			c := planned(t, d, 1)
			fails(t, do(t, d.Up(c)), test.id, test.code, test.words)
			must(t, do(t, d.Down(c)))
		})
	}
}

// qemu is a host on which minikube's driver qemu2 goes as far as it can without
// a machine: it would download its ISO next.
func (r *real) qemu() {
	r.t.Helper()
	r.script("qemu-system-x86_64", "exit 1")
	r.script("qemu-system-aarch64", "exit 1")
	r.t.Setenv("MINIKUBE_QEMU_FIRMWARE_PATH", filepath.Join(r.bin, program))
}

// asRoot has minikube do for root what it refuses otherwise.
func (r *real) asRoot() {
	r.t.Helper()
	if os.Getuid() == 0 {
		r.t.Setenv("MINIKUBE_FORCE", "true")
	}
}

// minikube takes the flags that it is started with, all of them, and finds
// fault with none.
func TestRealFlags(t *testing.T) {
	r := newReal(t)
	r.qemu()
	r.asRoot()
	t.Setenv("MINIKUBE_DRY_RUN", "true")
	d := New("qemu2")
	c := planned(t, d, 2)
	// It did as if, so that there is no machine.
	if err := do(t, d.Up(c)); err == nil || !strings.Contains(err.Error(), "minikube has no profile axolotl-c any more") {
		t.Errorf("up: %v", err)
	}
}

// What is too little for it, or too much, minikube says.
func TestRealTooSmall(t *testing.T) {
	for _, test := range []struct {
		id     string
		code   int
		words  string
		change func(*vm.Spec)
	}{
		{"RSRC_INSUFFICIENT_REQ_MEMORY", 23, "less than the usable minimum", func(s *vm.Spec) { s.MemoryMiB = 512 }},
		{"RSRC_INSUFFICIENT_CORES", 29, "", func(s *vm.Spec) { s.CPUs = 1 }},
		// Its advice is a template that it has not filled in.
		{"RSRC_OVER_ALLOC_MEM", 10, "more than your system limit", func(s *vm.Spec) { s.MemoryMiB = 1 << 30 }},
	} {
		t.Run(test.id, func(t *testing.T) {
			r := newReal(t)
			r.qemu()
			d := New("qemu2")
			c := planned(t, d, 0)
			test.change(&c.Spec)
			err := do(t, d.Up(c))
			fails(t, err, test.id, test.code, test.words)
			if err != nil && strings.Contains(err.Error(), "{{") {
				t.Errorf("it says %v", err)
			}
		})
	}
}

// It makes nothing for root, and does not say by that error what to do: that
// comes before it.
func TestRealRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this is not root")
	}
	r := newReal(t)
	r.qemu()
	d := New("qemu2")
	fails(t, do(t, d.Up(planned(t, d, 0))), "DRV_AS_ROOT", 57, "; run this as an ordinary user")
}

// Without the internet it gives up on its ISO, and says so in a line that a
// person reads.
func TestRealDownload(t *testing.T) {
	r := newReal(t)
	r.qemu()
	r.asRoot()
	d := New("qemu2")
	c := planned(t, d, 0)
	err := do(t, d.Up(c))
	fails(t, err, "GUEST_PROVISION", 80, "Failed to cache ISO")
	if err != nil && (strings.Contains(err.Error(), "getter: &{") || len(err.Error()) > 2000) {
		t.Errorf("it says that in %d letters: %v", len(err.Error()), err)
	}
	must(t, do(t, d.Down(c)))
}

// A profile that somebody made is not taken, whatever it looks like.
func TestRealProfiles(t *testing.T) {
	for name, file := range map[string]struct{ name, text string }{
		"whole":         {"config.json", `{"Name":"axolotl-c","Driver":"qemu2","Nodes":[{"Name":"","KubernetesVersion":"v1.35.1","ControlPlane":true,"Worker":true}]}`},
		"broken":        {"config.json", `{`},
		"never started": {"events.json", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t)
			r.profile("axolotl-c", file.name, file.text)
			d := New("virtualbox")
			c := planned(t, d, 0)
			if err := do(t, d.Up(c)); err == nil || !strings.Contains(err.Error(), `minikube has a profile "axolotl-c" that axolotl did not make`) {
				t.Errorf("up: %v", err)
			}
			must(t, do(t, d.Down(c)))
			if !has(filepath.Join(r.home, "profiles", "axolotl-c", file.name)) {
				t.Error("it was deleted")
			}
		})
	}
}

// One profile without a node, of whatever name, makes minikube list none: the
// error says how to find it.
func TestRealProfileWithoutNodes(t *testing.T) {
	r := newReal(t)
	r.profile("theirs", "config.json", `{"Name":"theirs","Driver":"qemu2"}`)
	d := New("virtualbox")
	fails(t, do(t, d.Up(planned(t, d, 0))), "GUEST_CP_CONFIG", 88, "; some profile has no node: see 'minikube profile list --light'")
}

// A profile that somebody has deleted has no machines, and goes down.
func TestRealProfileThatIsGone(t *testing.T) {
	r := newReal(t)
	d := New("")
	c := planned(t, d, 1)
	must(t, store.WriteJSON(c.Path(ownerFile), owner{Cluster: c.ID, Profile: profile(c), Home: r.home}))
	realStates(t, d, c, vm.MachineMissing, vm.MachineMissing)
	if err := d.CanRejoin(t.Context(), c, "axolotl-c-m02"); err == nil || !strings.Contains(err.Error(), "minikube has no profile axolotl-c any more") {
		t.Errorf("can rejoin: %v", err)
	}
	must(t, do(t, d.Down(c)))
	if o, err := ownerOf(c); o != nil || err != nil {
		t.Errorf("the note is left: %+v, %v", o, err)
	}
}
