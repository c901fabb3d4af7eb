package libvirt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	oldXML = "<domain type='qemu'><name>golden</name><uuid>1</uuid></domain>"
	newXML = "<domain type='qemu'><name>the clone, whose name is longer</name><uuid>2</uuid></domain>"
	stream = "QEVM\x00\x00\x00\x03 and what a machine knew"
)

// copied is a copy of an image, described anew.
func copied(t *testing.T, image []byte, xml string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, image, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := copySaveImage(t.Context(), to, from, xml); err != nil {
		return nil, err
	}
	if kept, err := os.ReadFile(from); err != nil || !bytes.Equal(kept, image) {
		t.Errorf("what is kept was written to: %v", err)
	}
	made, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return made, nil
}

// A copy has the description that it was given, the cookie that there was, and
// the same stream at the same place; a longer description and a shorter one.
func TestSaveImageIsDescribedAnew(t *testing.T) {
	for name, cookie := range map[string]string{"with a cookie": slirpCookie, "without": ""} {
		t.Run(name, func(t *testing.T) {
			for _, xml := range []string{newXML, "<domain/>", strings.Repeat("x", len(oldXML)+64<<10)} {
				image := saved(oldXML, cookie, stream)
				made, err := copied(t, image, xml)
				if err != nil {
					t.Fatal(err)
				}
				gotXML, gotCookie, gotStream, err := unsaved(made)
				if err != nil || gotXML != xml || gotCookie != cookie || gotStream != stream {
					t.Errorf("%q, %q, %q, %v", gotXML, gotCookie, gotStream, err)
				}
				if len(made) != len(image) || !bytes.Equal(made[20:24], image[20:24]) {
					t.Error("the stream has moved")
				}
				if strings.Contains(string(made), "<name>golden") {
					t.Error("what was described before is left behind the end")
				}
			}
		})
	}
}

// What the header says of the machine is not ours to change: whether it ran, the
// compression, and words that libvirt may give a meaning.
func TestSaveImageKeepsTheHeader(t *testing.T) {
	image := saved(oldXML, slirpCookie, stream)
	for at := 24; at < 92; at++ {
		if at < 32 || at >= 36 { // all but the offset of the cookie
			image[at] = byte(at)
		}
	}
	made, err := copied(t, image, newXML)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made[:32], image[:32]) || !bytes.Equal(made[36:92], image[36:92]) {
		t.Errorf("% x became % x", image[:92], made[:92])
	}
}

// What is not known, cut or damaged is refused before anything is copied.
func TestSaveImageThatIsNone(t *testing.T) {
	word := func(n, value int) func([]byte) []byte {
		return func(image []byte) []byte {
			binary.LittleEndian.PutUint32(image[16+4*n:], uint32(value)) //nolint:gosec // of this test
			return image
		}
	}
	for _, test := range []struct {
		name string
		harm func([]byte) []byte
		want string
	}{
		{"nothing", func([]byte) []byte { return nil }, "too short"},
		{"cut in the header", func(image []byte) []byte { return image[:91] }, "too short"},
		{"cut in the description", func(image []byte) []byte { return image[:4000] }, "ends within the description"},
		{"not completed", func(image []byte) []byte { copy(image, savePartialMagic); return image }, "not completed"},
		{"QEMU's own stream", func([]byte) []byte { return bytes.Repeat([]byte(stream), 9) }, `begins with "QEVM`},
		{"an older version", word(0, 1), "version 1; axolotl knows 2"},
		{"a newer version", word(0, 3), "version 3; axolotl knows 2"},
		{"of the other endianness", word(0, 2<<24), "version 33554432"},
		{"no description", word(1, 0), "has 0 bytes"},
		{"a length that nothing has", word(1, saveLengthLimit+1), "its header says"},
		{"a cookie past the end", word(4, 1<<20), "with a cookie at 1048576"},
		{"a cookie without an end", func(image []byte) []byte {
			end := 92 + int(binary.LittleEndian.Uint32(image[20:]))
			image[end-1] = 'x'
			return word(4, end-92-1)(image)
		}, "cookie does not end"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := copied(t, test.harm(saved(oldXML, slirpCookie, stream)), newXML)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// A description that has no room is refused, to the byte: behind it is the
// machine's memory.
func TestSaveImageHasSoMuchRoom(t *testing.T) {
	image := saved(oldXML, slirpCookie, stream)
	room := int(binary.LittleEndian.Uint32(image[20:]))
	longest := room - len(slirpCookie) - 2 // and two zeros
	if _, err := copied(t, image, strings.Repeat("x", longest)); err != nil {
		t.Errorf("of %d bytes: %v", longest, err)
	}
	_, err := copied(t, image, strings.Repeat("x", longest+1))
	if err == nil || !strings.Contains(err.Error(), "has room for") {
		t.Errorf("of %d bytes: %v", longest+1, err)
	}
}

func TestSaveImageIsNotCopiedToTheEnd(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "from")
	if err := os.WriteFile(from, append(saved(oldXML, "", stream), make([]byte, 70<<20)...), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := copySaveImage(ctx, filepath.Join(dir, "to"), from, newXML); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
