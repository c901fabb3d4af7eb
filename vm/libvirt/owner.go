package libvirt

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// ownerOf finds the user and group of QEMU in libvirt's capabilities; -1 for
// both where that is who we are.
func ownerOf(capabilities string) (uid, gid int, err error) {
	var caps libvirtxml.Caps
	if err := caps.Unmarshal(capabilities); err != nil {
		return 0, 0, fmt.Errorf("libvirt's capabilities: %w", err)
	}
	for _, model := range caps.Host.SecModel {
		if model.Name != "dac" {
			continue
		}
		for _, label := range model.Labels {
			user, group, ok := strings.Cut(label.Value, ":")
			uid, uidErr := strconv.Atoi(strings.TrimPrefix(user, "+"))
			gid, gidErr := strconv.Atoi(strings.TrimPrefix(group, "+"))
			if !ok || uidErr != nil || gidErr != nil {
				return 0, 0, fmt.Errorf("libvirt confines QEMU by the label %q, which is no user and group", label.Value)
			}
			if uid == os.Geteuid() {
				return -1, -1, nil
			}
			return uid, gid, nil
		}
	}
	return -1, -1, nil // not confined: it runs as who started it
}

// giveTo gives a file to QEMU's user.
func (d *Driver) giveTo(path string) error {
	uid, gid, err := d.hypervisor.Owner()
	if err != nil || uid < 0 {
		return err
	}
	return os.Chown(path, uid, gid)
}
