package libvirt

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func capabilities(models string) string {
	return "<capabilities><host><uuid>x</uuid><cpu><arch>x86_64</arch></cpu>" + models + "</host></capabilities>"
}

func secModel(model, label string) string {
	return fmt.Sprintf("<secmodel><model>%s</model><doi>0</doi><baselabel type='kvm'>%s</baselabel><baselabel type='qemu'>%s</baselabel></secmodel>", model, label, label)
}

func TestOwnerOf(t *testing.T) {
	self := os.Geteuid()
	for _, test := range []struct {
		name, text string
		uid, gid   int
		fails      string
	}{
		{name: "Debian's system", text: capabilities(secModel("apparmor", "") + secModel("dac", "+64055:+64056")), uid: 64055, gid: 64056},
		{name: "without plus signs", text: capabilities(secModel("dac", "107:108")), uid: 107, gid: 108},
		{name: "as we are", text: capabilities(secModel("dac", fmt.Sprintf("+%d:+1", self))), uid: -1, gid: -1},
		{name: "not confined", text: capabilities(secModel("selinux", "system_u:system_r:svirt_t:s0")), uid: -1, gid: -1},
		{name: "no models", text: capabilities(""), uid: -1, gid: -1},
		{name: "by name", text: capabilities(secModel("dac", "qemu:kvm")), fails: `"qemu:kvm"`},
		{name: "no group", text: capabilities(secModel("dac", "+5")), fails: `"+5"`},
		{name: "no XML", text: "<capabilities", fails: "libvirt's capabilities"},
	} {
		t.Run(test.name, func(t *testing.T) {
			uid, gid, err := ownerOf(test.text)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || uid != test.uid || gid != test.gid {
				t.Errorf("%d:%d, %v, want %d:%d", uid, gid, err, test.uid, test.gid)
			}
		})
	}
}

// Files go to QEMU's user where that is another one.
func TestGiveTo(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "memory")
	w.must(os.WriteFile(path, nil, 0o600))
	w.must(w.driver().giveTo(path)) // -1: nothing to do
	w.must(w.driver().giveTo(path + ".missing"))
	w.fake.uid = os.Getuid()
	w.must(w.driver().giveTo(path))
	if err := w.driver().giveTo(path + ".missing"); err == nil {
		t.Error("a file that is missing was given away")
	}
	w.fake.arm(1, fails)
	if err := w.driver().giveTo(path); err == nil {
		t.Error("no error where the owner is not known")
	}
}
