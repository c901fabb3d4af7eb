package libvirt

import (
	"context"
	"strings"
	"testing"

	"axolotl/vm"
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
		{"qemu+ssh://far/system", root, "qemu:///system", "cannot serve: machines on another host"},
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
		"qemu+ssh://root@far.example/system": "ssh far.example axolotl up",
		"qemu+tls://far/system":              "another host (far)",
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

// Machines on another host are refused before anything is made, and before
// anybody is asked for them over the network.
func TestMachinesOnAnotherHostAreRefused(t *testing.T) {
	w := newWorld(t)
	far := w.driver()
	far.uri = "qemu+ssh://far.invalid/system"
	if err := cluster.Preflight(t.Context(), far); err == nil || !strings.Contains(err.Error(), "--connect qemu+ssh://far.invalid/system: machines on another host") {
		t.Errorf("error %v", err)
	}
	if checks := far.Checks(); len(checks) != 1 {
		t.Errorf("%d checks: some of them connect", len(checks))
	}
	for _, cold := range []bool{true, false} {
		options := w.options("far", spec(0))
		options.Cold, options.Choose = cold, func(context.Context) (vm.Driver, error) { return far, nil }
		if err := w.up(options); err == nil || !strings.Contains(err.Error(), "machines on another host") {
			t.Errorf("cold %t: error %v", cold, err)
		}
	}
	w.assertEmpty()
}
