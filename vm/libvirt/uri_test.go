package libvirt

import (
	"slices"
	"strings"
	"testing"

	"axolotl/vm/cluster"
)

func TestChooseURI(t *testing.T) {
	const root, user = 0, 1000
	for _, test := range []struct {
		variable string
		euid     int
		uri, why string
	}{
		{"", root, "qemu:///system", "root"},
		{"", user, "qemu:///session", "not root"},
		{"qemu:///session", root, "qemu:///session", "LIBVIRT_DEFAULT_URI says so"},
		{"qemu:///system", user, "qemu:///session", "LIBVIRT_DEFAULT_URI=qemu:///system cannot serve: QEMU runs as a user of its own"},
		{"qemu+ssh://far/system", root, "qemu:///system", "cannot serve: machines are made on another host only where --connect says so"},
		{"xen:///system", user, "qemu:///session", "no QEMU machines"},
	} {
		uri, why := chooseURI(test.variable, test.euid)
		if uri != test.uri || !strings.Contains(why, test.why) {
			t.Errorf("%q, user %d: %s (%s), want %s (… %s …)", test.variable, test.euid, uri, why, test.uri, test.why)
		}
	}
}

func TestCheckURI(t *testing.T) {
	for uri, fails := range map[string]string{
		"qemu:///system": "", "qemu:///session": "", "qemu+unix:///system": "", "qemu:///session?socket=/run/x": "",
		"qemu+ssh://root@far.example/system": "", "qemu+ssh://me@far:2222/session?keyfile=/k&command=/x": "",
		"qemu+tls://far/system":              "made through ssh: use --connect qemu+ssh://root@far/system",
		"qemu+ssh://far/embed":               "made through ssh",
		"qemu+ssh://far/system?pkipath=/x":   "pkipath= in the URI is not known here",
		"qemu+ssh://-oProxyCommand=x/system": "is no host",
		"qemu+ssh:///system":                 "names no host",
		"test:///default":                    "no QEMU machines of this host",
		"qemu:///embed?root=/x":              "no QEMU machines of this host",
		"session":                            "no QEMU machines of this host",
		"qemu://%zz":                         "use --connect qemu:///system",
	} {
		err := checkURI(uri, 0)
		if (err == nil) != (fails == "") || err != nil && !strings.Contains(err.Error(), fails) {
			t.Errorf("%s: error %v, want %q", uri, err, fails)
		}
	}
}

// ssh goes where libvirt goes for the same URI.
func TestSSHOfURI(t *testing.T) {
	cmd := sshTo("qemu+ssh://me@far:2222/session?command=/opt/ssh&keyfile=/k&no_verify=1").command(t.Context(), []string{"-N"}, "echo $1", "it's")
	want := []string{"/opt/ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-p", "2222", "-l", "me", "-i", "/k", "-o", "StrictHostKeyChecking=no",
		"-N", "--", "far", `sh -c 'echo $1' axolotl 'it'\''s'`}
	if !slices.Equal(cmd.Args, want) {
		t.Errorf("%q, want %q", cmd.Args, want)
	}
}

// A way that is none is refused before anything is made, and before anybody is
// asked for over the network.
func TestNoWayToAnotherHostIsRefused(t *testing.T) {
	w := newWorld(t)
	w.adapt = func(d *Driver) {
		d.uri, d.remote = "qemu+tls://far.invalid/system", remoteOf("qemu+tls://far.invalid/system")
	}
	if err := cluster.Preflight(t.Context(), w.driver()); err == nil || !strings.Contains(err.Error(), "--connect qemu+tls://far.invalid/system: machines on another host") {
		t.Errorf("error %v", err)
	}
	if checks := w.driver().Checks(); len(checks) != 1 {
		t.Errorf("%d checks: some of them connect", len(checks))
	}
	if err := w.up(w.options("far", spec(0))); err == nil || !strings.Contains(err.Error(), "machines on another host") {
		t.Errorf("error %v", err)
	}
	w.assertEmpty()
}
