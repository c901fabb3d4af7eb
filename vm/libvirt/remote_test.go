package libvirt

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"axolotl/vm"
	"axolotl/vm/cluster"
)

const farURI = "qemu+ssh://me@far.invalid/session"

// farDir is the home directory on the other host of a world.
func (w *world) farDir() string { return filepath.Join(filepath.Dir(w.home.State), "far") }

// newFar is a world whose machines are on another host.
func newFar(t testing.TB) *world {
	w := newWorld(t)
	far := w.far()
	w.adapt = func(d *Driver) { d.uri, d.Tunnel, d.remote = farURI, idleTunnel, far }
	return w
}

// idleTunnel is a process that has begun and does nothing.
func idleTunnel(string) (*exec.Cmd, error) {
	return exec.Command("sh", "-c", "echo tunnelling; exec sleep 600 >&2"), nil
}

// far is another host: there sh runs what it would by ssh, each time as one more
// call that may go wrong, in a home directory of its own. Disks there are made by
// a qemu-img that only notes what was asked.
func (w *world) far() *remote {
	bin := filepath.Join(filepath.Dir(w.home.State), "bin")
	w.must(os.MkdirAll(bin, 0o755))
	note := "#!/bin/sh\nwhile [ $# -gt 2 ]; do [ \"$1\" = -b ] && backing=$2; shift; done\n[ -e \"$backing\" ] && echo \"$2 over $backing\" >\"$1\"\n"
	w.must(os.WriteFile(filepath.Join(bin, "qemu-img"), []byte(note), 0o755))
	return &remote{host: "far.invalid", run: func(ctx context.Context, stdin io.Reader, arguments ...string) (said string, err error) {
		err = w.fake.call("ssh "+strings.Join(arguments, " "), "", func() error {
			w.must(os.MkdirAll(w.farDir(), 0o755))
			cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", remoteScript, "axolotl", "session"}, arguments...)...)
			cmd.Env = []string{"HOME=" + w.farDir(), "PATH=" + bin + ":" + os.Getenv("PATH")}
			cmd.Stdin, cmd.Stderr = stdin, os.Stderr
			out, err := cmd.Output()
			said = strings.TrimSuffix(string(out), "\n")
			return err
		})
		return said, err
	}}
}

// called are the calls whose words begin so.
func (w *world) called(prefix string) (calls []string) {
	for _, call := range w.fake.calls {
		if strings.HasPrefix(call, prefix) {
			calls = append(calls, call)
		}
	}
	return calls
}

func TestRemoteUpAtEveryCall(t *testing.T) {
	w := newFar(t)
	work{run: func(w *world) error { return w.up(w.options("c", spec(1))) }}.everyCall(t, w, gone)
}

func TestRemoteDownAtEveryCall(t *testing.T) {
	w := newFar(t)
	work{
		before: func(w *world) { w.must(w.up(w.options("c", spec(1)))); w.healthy("c") },
		run:    func(w *world) error { return w.down("c") },
	}.everyCall(t, w, func(w *world) { w.assertEmpty() })
}

func TestRemoteRecreateAtEveryCall(t *testing.T) {
	w := newFar(t)
	work{
		before: func(w *world) { w.must(w.up(w.options("c", spec(1)))); w.healthy("c"); wreck(w) },
		run:    func(w *world) error { return w.recreate(w.options("c", spec(1))) },
	}.everyCall(t, w, gone)
}

// What is made on the other host lies there, all of it below one directory, and
// the image is copied once for all clusters there and goes with the last.
func TestRemoteFiles(t *testing.T) {
	w := newFar(t)
	w.fake.arm(0, "")
	w.must(w.up(w.options("a", spec(1))))
	w.must(w.up(w.options("b", spec(0))))
	if brought := w.called("ssh bring"); len(brought) != 1 {
		t.Errorf("the image was copied by %v", brought)
	}
	w.must(w.recreate(w.options("b", spec(0))))
	if brought := w.called("ssh bring"); len(brought) != 1 {
		t.Errorf("recreate copied the image: %v", brought)
	}
	base := filepath.Join(w.farDir(), ".local/share/axolotl-machines")
	a, b := w.load("a"), w.load("b")
	for _, m := range a.Machines {
		text := w.fake.domains[m.UUID].running
		for _, file := range regexp.MustCompile(`(file|path)="(/[^"]+)"|<(kernel|initrd)>([^<]+)<`).FindAllStringSubmatch(text, -1) {
			if path := file[2] + file[4]; !strings.HasPrefix(path, base+"/") {
				t.Errorf("%s uses %s", m.Name, path)
			}
		}
		here, err := os.ReadFile(machineFile(a.Dir, m.Name, seedFile))
		w.must(err)
		there, err := os.ReadFile(filepath.Join(base, "clusters", a.ID, "machines", m.Name, seedFile))
		w.must(err)
		if string(here) != string(there) || len(here) == 0 {
			t.Errorf("the seed of %s is another one there", m.Name)
		}
	}
	image := filepath.Join(base, "images", a.Image)
	w.must(w.down("a"))
	for _, file := range []string{filepath.Join(image, "root.ext4"), filepath.Join(base, "clusters", b.ID, "machines/cp-1", rootOverlay)} {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("down of the other one removed it: %v", err)
		}
	}
	if _, err := os.Stat(filepath.Join(base, "clusters", a.ID)); err == nil {
		t.Error("down left the cluster's files there")
	}
	w.must(w.down("b"))
	w.assertEmpty()
}

// Two clusters on another host, also of people who do not know of each other,
// share neither ports nor a segment; here one reaches each at ports of its own.
// Who is killed while he sends a file ends it, as seen from there: half of one is
// none, and is not in the way of the next try.
func TestRemoteFileCutShort(t *testing.T) {
	w := newFar(t)
	far := w.driver().remote
	put := func(content string) error {
		_, err := far.run(t.Context(), strings.NewReader(content), "put", "c", "seed.tar", "0600", "5")
		return err
	}
	_, err := far.run(t.Context(), nil, "claim", "c", "image")
	w.must(err)
	file := filepath.Join(w.farDir(), ".local/share/axolotl-machines/clusters/c/seed.tar")
	if err := put("hal"); err == nil {
		t.Error("half of a file was taken for all of it")
	}
	if left, err := filepath.Glob(file + "*"); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	w.must(put("whole"))
	if got, err := os.ReadFile(file); err != nil || string(got) != "whole" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := far.run(t.Context(), strings.NewReader("\x1f\x8b"), "bring", "c", "image"); err == nil {
		t.Error("half of an archive was taken for all of it")
	}
	if said, err := far.run(t.Context(), nil, "claim", "c", "image"); err != nil || strings.Contains(said, "here") {
		t.Errorf("half of an image is there: %q, %v", said, err)
	}
}

func TestRemoteNetworks(t *testing.T) {
	w := newFar(t)
	w.must(w.up(w.options("a", spec(0))))
	a := w.load("a")
	other := *a
	other.ID = "another"
	mine, theirs := networkOf(a, &a.Machines[0]), networkOf(&other, &other.Machines[0])
	if mine.Loopback == theirs.Loopback || mine.Segment == theirs.Segment {
		t.Errorf("%v and %v", mine, theirs)
	}
	text := w.fake.domains[a.Machines[0].UUID].running
	for _, want := range []string{"hostfwd=tcp:" + mine.Loopback + ":", "mcast=" + mine.Segment + ":"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(text, "hostfwd=tcp:127.0.0.1:") || strings.Contains(text, "mcast=230.88.0.1") {
		t.Errorf("addresses of this host: %s", text)
	}
	if forwards := forwardsTo(a, &a.Machines[0]); len(forwards) != 2*(1+vm.NodePortCount) ||
		forwards[1] != strings.ReplaceAll("127.0.0.1:P:"+mine.Loopback+":P", "P", strconv.Itoa(a.APIPort)) {
		t.Errorf("forwards %v", forwards)
	}
}

// What maps memory from files is not done there, and is not begun.
func TestRemoteIsBootedOnly(t *testing.T) {
	w := newFar(t)
	warm := w.options("c", spec(0))
	warm.Cold = false // it is asked for, and not to be had
	w.must(w.up(warm))
	w.healthy("c")
	if c := w.load("c"); c.Golden != "" {
		t.Errorf("it is restored from %s", c.Golden)
	}
	for _, err := range []error{
		func() error { _, _, err := w.driver().Form(t.Context(), new(vm.Spec), nil); return err }(),
		func() error { _, err := w.driver().Shape(t.Context(), new(vm.Spec), vm.Mapped, nil); return err }(),
		func() error { _, err := vm.FreezerOf(w.driver()); return err }(),
		func() error { _, err := vm.SaverOf(w.driver()); return err }(),
		w.driver().Save(t.Context(), w.load("c"), t.TempDir(), nil),
	} {
		if err == nil || !strings.Contains(err.Error(), "another host (far.invalid) are booted, not saved") {
			t.Errorf("error %v", err)
		}
	}
}

// A host that cannot serve is refused before anything is made.
func TestRemotePreflight(t *testing.T) {
	w := newFar(t)
	w.must(cluster.Preflight(t.Context(), w.driver()))
	before := w.adapt
	w.adapt = func(d *Driver) {
		before(d)
		d.remote.run = func(context.Context, io.Reader, ...string) (string, error) {
			return "/base\nfar 6.1\n     1024", nil
		}
	}
	err := w.up(w.options("c", spec(0)))
	if err == nil || !strings.Contains(err.Error(), "far.invalid has 1 MiB free for /base") {
		t.Errorf("error %v", err)
	}
	w.assertEmpty()
}

// Images come to the machines by a file there, which does not stay.
func TestRemoteLoadImages(t *testing.T) {
	w := newFar(t)
	loading(w, 1)
	w.fake.arm(0, "")
	archive := archiveOf(w)
	attachedTo := ""
	g := answering()
	w.fake.answer = func(uuid, command string, arguments map[string]any) (any, error) {
		if file := w.fake.domains[uuid].attached.file; file != "" {
			data, err := os.ReadFile(file)
			attachedTo = file
			if err != nil || string(data) != "images" {
				t.Errorf("a machine reads %q, %v", data, err)
			}
		}
		return g.answer(uuid, command, arguments)
	}
	w.must(w.driver().LoadImages(t.Context(), w.load("c"), archive))
	if !strings.HasPrefix(attachedTo, w.farDir()) {
		t.Errorf("it was read from %q", attachedTo)
	}
	if _, err := os.Stat(attachedTo); err == nil {
		t.Errorf("%s is left", attachedTo)
	}
}

// A cluster whose record is lost is found there by this host's name, and another
// host's of the same name is not.
func TestRemoteSalvage(t *testing.T) {
	w := newFar(t)
	w.must(w.up(w.options("c", spec(0))))
	c := w.load("c")
	w.must(os.RemoveAll(c.Dir))
	d := w.fake.domains[c.Machines[0].UUID]
	if id, err := w.driver().Salvage(t.Context(), "c", c.Dir); err != nil || id != c.ID {
		t.Errorf("%q, %v", id, err)
	}
	w.endBalancers()
	_, dir, _ := strings.Cut(d.owner.Dir, ":")
	d.owner.Dir = "elsewhere:" + dir
	if id, err := w.driver().Salvage(t.Context(), "c", c.Dir); err != nil || id != "" {
		t.Errorf("another host's: %q, %v", id, err)
	}
}

// Arguments with whatever in them come to the other side as they are.
func TestQuoted(t *testing.T) {
	words := []string{"", "a b", `it's`, `"$HOME"`, "`x`\n*"}
	var line []string
	for _, word := range words {
		line = append(line, quoted(word))
	}
	out, err := exec.Command("sh", "-c", `printf '%s\0' `+strings.Join(line, " ")).Output()
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); err != nil || !slices.Equal(got, words) {
		t.Errorf("%q became %q, %v", words, got, err)
	}
}
