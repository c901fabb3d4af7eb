package cluster

import (
	"slices"
	"strings"
	"testing"

	"axolotl/vm"
)

const elsewhere = `kind: Cluster
name: demo
hosts:
- {name: far, uri: "qemu+ssh://root@far/system"}
- {name: near, uri: "qemu+ssh://me@near/session"}
controlPlane: {host: far}
workers:
- {count: 1, host: far}
`

func TestFileHosts(t *testing.T) {
	f, err := parse(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Connect(); got != "qemu+ssh://root@far/system" {
		t.Errorf("it is at %q", got)
	}
	for _, g := range f.Spec().Groups {
		if g.Host != f.Connect() {
			t.Errorf("group %s is on %q", g.Name, g.Host)
		}
	}
	for change, want := range map[[2]string]string{
		{"{host: far}", "{host: fat}"}:                           `cluster.yaml:6:22: there is no host "fat" in hosts (did you mean "far"?)`,
		{"name: demo", "name: demo\ndriver: local"}:              `cluster.yaml:5:1: driver local makes its nodes here; leave it out, or the hosts`,
		{"name: near", "name: far"}:                              `cluster.yaml:5:3: another host is called "far"`,
		{"name: near", "name: -oProxyCommand=x"}:                 `is no name for a host`,
		{"qemu+ssh://me@near/session", "qemu+tls://near/system"}: `"qemu+tls://near/system" is no libvirt that is reached by ssh; write for instance qemu+ssh://root@near/system`,
		{`, uri: "qemu+ssh://me@near/session"`, ""}:              `uri`,
	} {
		if _, err := parse(strings.Replace(elsewhere, change[0], change[1], 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", change, err, want)
		}
	}
}

// Groups may be on several hosts; where nothing is said it is this one.
func TestFileSpread(t *testing.T) {
	for change, want := range map[[2]string]struct {
		connect string
		others  []string
	}{
		{"", ""}:                          {"qemu+ssh://root@far/system", nil},
		{"1, host: far", "1, host: near"}: {"qemu+ssh://root@far/system", []string{"qemu+ssh://me@near/session"}},
		{"1, host: far", "1"}:             {"qemu+ssh://root@far/system", []string{vm.ThisHost}},
		{"{host: far}", "{count: 1}"}:     {"", []string{"qemu+ssh://root@far/system"}},
		{"1, host: far}", "1}\n- {name: a, count: 2, host: near}\n- {name: b, count: 0, host: near}"}: {
			"qemu+ssh://root@far/system", []string{vm.ThisHost, "qemu+ssh://me@near/session"}},
	} {
		f, err := parse(strings.Replace(elsewhere, change[0], change[1], 1))
		if err != nil {
			t.Errorf("%q: %v", change, err)
			continue
		}
		if got := f.Connect(); got != want.connect || !slices.Equal(f.Others(), want.others) {
			t.Errorf("%q: at %q and %q", change, got, f.Others())
		}
		if spread := f.Spec().Spread(); spread != (len(want.others) > 0) {
			t.Errorf("%q: spread %t", change, spread)
		}
	}
}

// What joins the machines cannot be changed while they run.
func TestFileRefusesToSpread(t *testing.T) {
	here := strings.NewReplacer("{host: far}", "{count: 1}", "1, host: far", "1").Replace(elsewhere)
	spread := strings.Replace(elsewhere, "1, host: far", "1, host: near", 1)
	for name, test := range map[string]struct{ was, asked, want string }{
		"a group elsewhere":  {here, here + "- {name: more, count: 1, host: far}\n", "cluster.yaml:9:3: that all machines are on one host of cluster \"demo\" cannot be changed"},
		"the only one gone":  {spread, strings.Replace(elsewhere, "- {count: 1, host: far}", "- {name: more, count: 1, host: far}", 1), "is spread over hosts, and stays so; keep its groups on other hosts, with count: 0"},
		"one more elsewhere": {spread, spread + "- {name: more, count: 1, host: far}\n", ""},
		"none there now":     {spread, strings.Replace(spread, "count: 1", "count: 0", 1), ""},
	} {
		was, err := parse(test.was)
		if err != nil {
			t.Fatal(err)
		}
		asked, err := parse(test.asked)
		if err != nil {
			t.Fatal(err)
		}
		err = asked.refuse(&vm.Cluster{Name: "demo", Spec: was.Spec()})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// Machines do not move.
func TestFileRefusesAnotherHost(t *testing.T) {
	was, err := parse(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	c := &vm.Cluster{Name: "demo", Spec: was.Spec()}
	if err := was.refuse(c); err != nil {
		t.Error(err)
	}
	moved, err := parse(strings.ReplaceAll(elsewhere, "host: far", "host: near"))
	if err != nil {
		t.Fatal(err)
	}
	if err := moved.refuse(c); err == nil || strings.Count(err.Error(), "the host of machines") != 2 {
		t.Errorf("error %v", err)
	}
}
