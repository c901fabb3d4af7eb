package cluster

import (
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
		{"{host: far}", "{host: fat}"}:                           `cluster.yaml:6:22: there is no host "fat" in hosts; did you mean "far"?`,
		{"1, host: far", "1, host: near"}:                        `cluster.yaml:8:3: machines of one cluster are on one host: these would be on near, and the control plane on far; give both the same host`,
		{"1, host: far", "1"}:                                    `these would be on this host, and the control plane on far`,
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
