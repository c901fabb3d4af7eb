package libvirt

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"axolotl/vm"
	"axolotl/vm/image"
)

// online is a spec with a way out and mirrors.
func online(workers int) vm.Spec {
	s := spec(workers)
	s.Outside = vm.Outside{Internet: true, RegistryMirrors: map[string][]string{
		"docker.io":   {"https://mirror.example.com", "http://10.1.2.3:5000"},
		"ghcr.io:443": {"https://mirror.example.com/ghcr"},
	}}
	return s
}

// noting are agents that keep what they were given, by machine.
func noting(w *world) *guest {
	g := answering()
	g.written, g.ran, g.paths = map[string]map[string][]byte{}, map[string][]string{}, map[float64]string{}
	w.fake.answer = g.answer
	return g
}

// archived are the files of a tar archive.
func archived(t *testing.T, data []byte) map[string]string {
	t.Helper()
	files := map[string]string{}
	for archive := tar.NewReader(bytes.NewReader(data)); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(text)
	}
}

// netdevOf is the user-mode network of a domain that runs, or of its record.
func netdevOf(t *testing.T, description string) string {
	t.Helper()
	_, found, ok := strings.Cut(description, `value="user,`)
	if !ok {
		t.Fatalf("no user-mode network in %s", description)
	}
	netdev, _, _ := strings.Cut(found, `"`)
	return netdev
}

// With a way out the guests' network is as it was but for restrict: what listens
// on the host listens on loopback, and the segment stays there.
func TestWayOutInDescription(t *testing.T) {
	c := planned(t)
	for i := range c.Machines {
		m := &c.Machines[i]
		c.Spec.Internet = false
		_, closed := described(t, c, m, memory{})
		c.Spec.Internet = true
		_, open := described(t, c, m, memory{})
		if closed := strings.Join(closed, "\n"); strings.Replace(closed, "restrict=on", "restrict=off", 1) != strings.Join(open, "\n") || !strings.Contains(closed, "restrict=on") {
			t.Errorf("%s without and with a way out:\n%s\n%s", m.Name, closed, strings.Join(open, "\n"))
		}
	}
}

// outsideNames are the files by which a machine has its way out.
var outsideNames = []string{
	"etc/axolotl/outside.nft", "etc/resolv.conf",
	"etc/containerd/certs.d/docker.io/hosts.toml", "etc/containerd/certs.d/ghcr.io:443/hosts.toml",
	"etc/systemd/system/axolotl-outside.service", "etc/systemd/system/multi-user.target.d/axolotl-outside.conf",
}

func assertOnline(t *testing.T, machine string, files map[string]string) {
	t.Helper()
	for _, name := range outsideNames {
		if files[name] == "" || strings.Contains(files[name], "@") {
			t.Errorf("%s has %s: %q", machine, name, files[name])
		}
	}
	if got := environmentOf(t, files)["DEFAULT_GATEWAY"]; got != "10.0.2.2" {
		t.Errorf("%s has the gateway %q", machine, got)
	}
	if got, want := files[outsideNames[2]], `[host."https://mirror.example.com"]
  capabilities = ["pull", "resolve"]
[host."http://10.1.2.3:5000"]
  capabilities = ["pull", "resolve"]
`; got != want {
		t.Errorf("%s asks for images of docker.io: %s", machine, got)
	}
}

// A machine that boots for the first time has its way out from its seed. One of
// a cluster without, which golden snapshots are made of, has nothing of it.
func TestWayOutInSeeds(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", online(1))))
	w.must(w.up(w.options("closed", spec(1))))
	for _, m := range w.load("c").Machines {
		assertOnline(t, m.Name, untar(t, w.load("c").Path("machines", m.Name, seedFile)))
	}
	for _, m := range w.load("closed").Machines {
		files := untar(t, w.load("closed").Path("machines", m.Name, seedFile))
		for _, name := range outsideNames {
			if text, ok := files[name]; ok {
				t.Errorf("%s has %s: %q", m.Name, name, text)
			}
		}
		if gateway, ok := environmentOf(t, files)["DEFAULT_GATEWAY"]; ok {
			t.Errorf("%s has the gateway %q", m.Name, gateway)
		}
	}
}

// A cluster with a way out comes from the same golden snapshot as one without,
// and is given it when its machines run.
func TestWayOutOfARestoredCluster(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	g := noting(w)
	w.must(w.up(w.restored("closed", spec(1))))
	if len(g.written)+len(g.ran) > 0 {
		t.Errorf("a cluster without a way out was given %v, %v", g.written, g.ran)
	}
	w.must(w.up(w.restored("c", online(1))))
	c := w.load("c")
	if c.Golden == "" || c.Golden != w.load("closed").Golden {
		t.Errorf("restored from %q and %q", c.Golden, w.load("closed").Golden)
	}
	for _, m := range c.Machines {
		assertOnline(t, m.Name, archived(t, g.written[m.UUID][outsideArchive]))
		if ran := strings.Join(g.ran[m.UUID], "\n"); !strings.Contains(ran, useOutside) {
			t.Errorf("on %s ran %s", m.Name, ran)
		}
		d := w.fake.domains[m.UUID]
		for what, description := range map[string]string{"runs": d.running, "is on record": d.record} {
			if netdev := netdevOf(t, description); !strings.Contains(netdev, "restrict=off") {
				t.Errorf("%s, as it %s, has no way out: %s", m.Name, what, netdev)
			}
		}
	}
	for _, m := range w.load("closed").Machines {
		if netdev := netdevOf(t, w.fake.domains[m.UUID].running); !strings.Contains(netdev, "restrict=on") {
			t.Errorf("%s of the other cluster has a way out: %s", m.Name, netdev)
		}
	}
}

// A machine that is restored alone, and one that boots anew from the snapshot's
// disk, are given it again; one that joined has it from its seed.
func TestWayOutIsGivenAgain(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	noting(w)
	w.must(w.up(w.restored("c", online(1))))
	w.healthy("c")
	c := w.load("c")
	given := func(do func()) []string {
		g := noting(w)
		do()
		var names []string
		for _, m := range c.Machines {
			if len(g.written[m.UUID][outsideArchive]) > 0 {
				names = append(names, m.Name)
			}
		}
		return names
	}
	got := given(func() {
		_, err := w.driver().Thaw(t.Context(), c, w.home.Golden(c.Golden), "worker-1")
		w.must(err)
	})
	if !slices.Equal(got, []string{"worker-1"}) {
		t.Errorf("worker-1 was restored, given it were %v", got)
	}
	got = given(func() {
		w.must(w.fake.Destroy(c.Machines[0].UUID))
		w.must(w.up(w.restored("c", online(1))))
	})
	if !slices.Contains(got, "cp-1") {
		t.Errorf("cp-1 has booted, given it were %v", got)
	}
	noting(w)
	_, err := w.clusters().AddWorkers(t.Context(), "c", "", 1, w.open, quiet)
	w.must(started(nil, err))
	assertOnline(t, "worker-2", untar(t, w.load("c").Path("machines", "worker-2", seedFile)))
}

func TestUpWithAWayOutAtEveryCall(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	work{
		before: func(w *world) { w.fake.answer = answering().answer },
		run:    func(w *world) error { return w.up(w.restored("c", online(1))) },
	}.everyCall(t, w, gone)
}

// A guest in which it does not work is an error with the guest's words, and the
// next up begins anew.
func TestWayOutThatFails(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(0))
	g := answering()
	g.code, g.err = 1, "outside.nft:7:1: Error: syntax error"
	w.fake.answer = g.answer
	err := w.up(w.restored("c", online(0)))
	if err == nil || !strings.Contains(err.Error(), "give cp-1 its way out: ") || !strings.Contains(err.Error(), "syntax error") {
		t.Errorf("error %v", err)
	}
	w.fake.answer = answering().answer
	w.must(w.up(w.restored("c", online(0))))
}

// What is asked for of a cluster that is there must be what it has.
func TestWayOutCannotBeChanged(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", online(0))))
	w.healthy("c")
	w.must(w.up(w.options("c", online(0))))
	other := online(0)
	other.RegistryMirrors = maps.Clone(other.RegistryMirrors)
	delete(other.RegistryMirrors, "docker.io")
	closed := spec(0)
	for asked, want := range map[*vm.Spec]string{
		&closed: `the machines of cluster "c" reach the internet; images of docker.io by way of https://mirror.example.com, http://10.1.2.3:5000; images of ghcr.io:443 by way of https://mirror.example.com/ghcr, asked for: nothing but each other; take it down first ('axolotl down c')`,
		&other:  "asked for: the internet; images of ghcr.io:443 by way of",
	} {
		err := w.up(w.options("c", *asked))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	asIs := w.options("c", spec(0))
	asIs.AsIs = true
	w.must(w.up(asIs))
}

// containerd looks for mirrors where we write them only as long as its
// configuration names that place, and no other beside it.
func TestMirrorsAreLookedFor(t *testing.T) {
	config, err := image.RootFile("etc/containerd/config.toml")
	if err != nil {
		t.Fatal(err)
	}
	if want := "\n  config_path = '/etc/containerd/certs.d'\n"; strings.Count(string(config), want) != 1 || strings.Count(string(config), "config_path") != 1 {
		t.Errorf("containerd looks elsewhere than in /etc/containerd/certs.d:\n%s", config)
	}
}
