package libvirt

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/adrg/xdg"
)

// socketPathLimit is how long the path of a unix socket may be, in bytes:
// sun_path of unix(7), without the zero at its end.
const socketPathLimit = 107

// agentSocket is where the guest agent of a machine is spoken to. Below the
// user's own ~/.config, libvirt would choose a path that is longer than a
// socket's may be where the home has more than 17 bytes; the one of the host's
// libvirt is short, and empty here.
func (d *Driver) agentSocket(uuid string) string {
	if !isSession(d.uri) || d.remote != nil {
		return ""
	}
	return filepath.Join(d.home.State, "agents", uuid)
}

// makeAgentDir makes the directory of the sockets, which nobody else may enter:
// who speaks to an agent is root in its machine, and libvirt leaves a socket's
// mode to the umask.
func (d *Driver) makeAgentDir(socket string) error {
	if socket == "" {
		return nil
	}
	return os.MkdirAll(filepath.Dir(socket), 0o700)
}

// checkSession sees whether a user's own libvirt can work: where it listens,
// and whether its QEMUs' sockets have paths that are short enough.
func (d *Driver) checkSession() (string, error) {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		info, err := os.Stat(dir)
		if err != nil {
			return "", fmt.Errorf("XDG_RUNTIME_DIR: %w; log in anew, or unset it", err)
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
			return "", fmt.Errorf("XDG_RUNTIME_DIR is %s, which is another user's, as after 'su'; log in anew ('su -'), or unset it", dir)
		}
	}
	// libvirt's own name for a machine: a number, and 20 bytes of ours.
	monitor := filepath.Join(xdg.ConfigHome, "libvirt/qemu/lib", "domain-9999-axolotl-12345678901", "monitor.sock")
	if len(monitor) > socketPathLimit {
		return "", fmt.Errorf("%s is %d bytes too long for a socket's path; set XDG_CONFIG_HOME to a shorter directory of yours",
			monitor, len(monitor)-socketPathLimit)
	}
	agent := d.agentSocket("12345678-1234-1234-1234-123456789012")
	if len(agent) > socketPathLimit {
		return "", fmt.Errorf("%s is %d bytes too long for a socket's path; set XDG_STATE_HOME or AXOLOTL_HOME to a shorter directory of yours",
			agent, len(agent)-socketPathLimit)
	}
	return "their paths are short enough; QEMU runs as you", nil
}
