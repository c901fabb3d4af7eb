package libvirt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"axolotl/vm"
)

// saved is a save image as libvirt 9.0 writes it: 64 KiB are left for edits.
func saved(xml, cookie, stream string) []byte {
	const header, room = 92, 64 << 10
	image := append([]byte("LibvirtQemudSave"), make([]byte, header-16)...)
	word := func(n, value int) { binary.LittleEndian.PutUint32(image[16+4*n:], uint32(value)) }
	text := xml + "\x00"
	word(0, 2)
	if cookie != "" {
		word(4, len(text))
		text += cookie + "\x00"
	}
	word(1, len(text)+room)
	return append(append(append(image, text...), make([]byte, room)...), stream...)
}

// unsaved is what libvirt reads of one.
func unsaved(image []byte) (xml, cookie, stream string, err error) {
	if !bytes.HasPrefix(image, []byte("LibvirtQemudSave")) {
		return "", "", "", errors.New("image magic is incorrect")
	}
	word := func(n int) int { return int(binary.LittleEndian.Uint32(image[16+4*n:])) }
	length, offset := word(1), word(4)
	text := image[92 : 92+length]
	end := func(text []byte) string { return string(text[:bytes.IndexByte(text, 0)]) }
	if offset > 0 {
		cookie = end(text[offset:])
	}
	return end(text), cookie, string(image[92+length:]), nil
}

// slirpCookie is what libvirt 9.0 leaves in a save image.
const slirpCookie = "<cookie>\n  <slirpHelper/>\n</cookie>\n"

func (f *fake) SaveImage(uuid, path string) error {
	return f.on("SaveImage", uuid, func(d *fakeDomain) error {
		if d.state != vm.MachinePaused || d.running == "" {
			return fmt.Errorf("requested operation is not valid: domain is %s", d.state)
		}
		if d.attached.file != "" {
			return fmt.Errorf("no machine that is made for this state would have %v", d.attached)
		}
		if len(f.migration) > 0 {
			return fmt.Errorf("operation failed: migration %s", f.migration[len(f.migration)-1])
		}
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("%s is there", path)
		}
		return os.WriteFile(path, saved(d.running, slirpCookie, fmt.Sprintf("state of %s\n", d.owner.Machine)), 0o600)
	})
}

func (f *fake) RestoreImage(path string) error {
	return f.call("RestoreImage", "", func() error {
		image, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text, cookie, state, err := unsaved(image)
		if err != nil {
			return err
		}
		d, description, err := f.parse(text)
		if err != nil {
			return err
		}
		want := fmt.Sprintf("state of %s\n", d.owner.Machine)
		switch {
		case d.running != "":
			return fmt.Errorf("operation failed: domain '%s' is already active", d.name)
		case strings.Contains(text, "-incoming"):
			return errors.New("QEMU was told twice to wait for its state")
		case cookie != slirpCookie:
			return fmt.Errorf("the cookie is %q", cookie)
		case state != want:
			return fmt.Errorf("not the state of this machine: %q", state)
		}
		if err := f.start(d, description, text, vm.MachinePaused); err != nil {
			return err
		}
		f.domains[d.uuid] = d
		return nil
	})
}
