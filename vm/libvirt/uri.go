package libvirt

import (
	"errors"
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
	err := checkURI(variable, euid)
	if err == nil && isRemote(variable) {
		// Who has it set may look at machines there every day, and not expect his
		// own to be made there.
		err = errors.New("machines are made on another host only where --connect says so")
	}
	if err != nil {
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
	case u.Host == "" && u.Scheme == "qemu+ssh":
		return fmt.Errorf("%q names no host; use --connect qemu+ssh://root@HOST/system", uri)
	case u.Host != "" && (u.Scheme != "qemu+ssh" || u.Path != "/system" && u.Path != "/session"):
		return fmt.Errorf("machines on another host (%s) are made through ssh: use --connect qemu+ssh://root@%[1]s/system or qemu+ssh://USER@%[1]s/session", u.Hostname())
	case u.Host != "":
		return checkSSH(u)
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

// isRemote tells whether an URI that checkURI let pass is of another host.
func isRemote(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Host != ""
}

// isSession tells whether an URI that checkURI let pass is a user's own libvirt,
// where QEMU runs as that user.
func isSession(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Path == "/session"
}
