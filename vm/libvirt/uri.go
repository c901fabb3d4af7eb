package libvirt

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// The libvirts of this host: the one for all, whose QEMUs run as a user of
// their own, and the one that each user has for himself.
const (
	systemURI  = "qemu:///system"
	sessionURI = "qemu:///session"
)

// uriVariable is libvirt's own, which virsh heeds as well.
const uriVariable = "LIBVIRT_DEFAULT_URI"

// DefaultURI is the libvirt that is used where no other is asked for, and why.
func DefaultURI() (uri, why string) { return chooseURI(os.Getenv(uriVariable), os.Geteuid()) }

// chooseURI takes the variable's libvirt where that can serve: many users have
// it set for the programs with which they look at machines.
func chooseURI(variable string, euid int) (uri, why string) {
	uri, why = systemURI, "you are root"
	if euid != 0 {
		uri, why = sessionURI, "you are not root, and this one needs no rights"
	}
	if variable == "" {
		return uri, why
	}
	if err := checkURI(variable, euid); err != nil {
		return uri, fmt.Sprintf("%s; %s=%s cannot serve: %v", why, uriVariable, variable, err)
	}
	return variable, uriVariable + " says so"
}

// checkURI refuses a libvirt that this driver cannot make machines with, before
// anything is made.
func checkURI(uri string, euid int) error {
	u, err := url.Parse(uri)
	if err != nil {
		return fmt.Errorf("%w; use --connect %s or %s", err, systemURI, sessionURI)
	}
	driver, _, _ := strings.Cut(u.Scheme, "+")
	switch {
	case u.Host != "":
		return fmt.Errorf("machines on another host (%s) are not supported yet: their disks, memory files and ports are made on this one; "+
			"run axolotl on that host (ssh %s axolotl up), or use --connect %s here", u.Hostname(), cmp.Or(u.Hostname(), "HOST"), local(euid))
	case driver != "qemu" || u.Path != "/system" && u.Path != "/session":
		return fmt.Errorf("%q has no QEMU machines of this host; use --connect %s", uri, local(euid))
	case u.Path == "/system" && euid != 0:
		return fmt.Errorf("QEMU runs as a user of its own there, to whom only root can give disks; use --connect %s, or run axolotl as root", sessionURI)
	}
	return nil
}

// local is the libvirt of this host that a user can have.
func local(euid int) string {
	uri, _ := chooseURI("", euid)
	return uri
}

// isSession tells whether an URI that checkURI let pass is a user's own libvirt,
// where QEMU runs as that user.
func isSession(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Path == "/session"
}
