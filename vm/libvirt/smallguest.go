package libvirt

import (
	"encoding/binary"
	"os"
)

// smallGuest is a kernel that shows without an operating system what becomes of
// a guest's memory: under emulation it runs after 0.2 s, Linux after 4. It marks
// its memory, then counts in it until a word there is not 0, marks once more and
// powers off. It is a Multiboot image (version 0.6.96 of the specification, 3.1),
// which QEMU loads as it is.
func smallGuest() []byte {
	const magic, addresses = 0x1badb002, 1 << 16 // the header says where to load it
	checksum := uint32(0x1_0000_0000 - magic - addresses)
	words := []uint32{magic, addresses, checksum, guestBase, guestBase, 0, 0, guestBase + 32}
	var image []byte
	for _, word := range words {
		image = binary.LittleEndian.AppendUint32(image, word)
	}
	code := func(bytes ...byte) { image = append(image, bytes...) }
	word := func(value uint32) { image = binary.LittleEndian.AppendUint32(image, value) }

	code(0xc7, 0x05) // mov [mark], guestRuns
	word(guestMark)
	word(guestRuns)
	code(0xff, 0x05) // count: inc [counter]
	word(guestCounter)
	code(0x83, 0x3d) // cmp [goOn], 0
	word(guestGoOn)
	code(0)
	code(0x74, 0xf1) // je count, 15 bytes back
	code(0xc7, 0x05) // mov [mark], guestEnds
	word(guestMark)
	word(guestEnds)
	code(0x66, 0xba, 0x04, 0x06) // mov dx, 0x604: ACPI's power management, where SeaBIOS puts it on this board
	code(0x66, 0xb8, 0x00, 0x20) // mov ax, 0x2000: sleep, of type 0, which is off
	code(0x66, 0xef)             // out dx, ax
	code(0xf4, 0xeb, 0xfd)       // halt for good

	return append(image, make([]byte, guestMark+4-guestBase-len(image))...)
}

// Where a small guest's words are in its memory, and so in the file that this
// is, and what they say.
const (
	guestMiB     = 16
	guestBase    = 1 << 20
	guestCounter = guestBase + 0x80
	guestGoOn    = guestBase + 0x84
	guestMark    = guestBase + 0x88

	guestRuns = 0x72756e73
	guestEnds = 0x656e6473
)

// guestWord reads a word of a small guest from the file that its memory is.
func guestWord(memory *os.File, at int64) (uint32, error) {
	var word [4]byte
	_, err := memory.ReadAt(word[:], at)
	return binary.LittleEndian.Uint32(word[:]), err
}

// setGuestWord writes one.
func setGuestWord(memory *os.File, at int64, value uint32) error {
	_, err := memory.WriteAt(binary.LittleEndian.AppendUint32(nil, value), at)
	return err
}
