package libvirt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A save image is what libvirt writes a machine's memory and devices into: a
// header, the machine's description as XML, a cookie of libvirt's own, zeros
// (64 KiB, so that the description can be edited), and QEMU's stream. Source:
// src/qemu/qemu_saveimage.h and .c of libvirt.
//
// libvirt refuses to restore one under another name or UUID. Here the
// description is changed in the file, in the space that it has: nothing behind
// it moves.
type saveImage struct {
	file   *os.File
	header saveHeader
	cookie []byte // with its zero; empty: there is none
}

// saveHeader is the header, little-endian.
type saveHeader struct {
	Magic        [16]byte
	Version      uint32
	Length       uint32 // of all that comes between the header and QEMU's stream, in bytes
	WasRunning   uint32
	Compressed   uint32
	CookieOffset uint32 // from the description's begin, past its zero; 0: there is no cookie
	Unused       [14]uint32
}

const (
	saveMagic        = "LibvirtQemudSave"
	savePartialMagic = "LibvirtQemudPart" // until it is complete
	saveVersion      = 2
	// saveLengthLimit is more than a description has ever been, in bytes. A
	// header that says more is none.
	saveLengthLimit = 64 << 20
)

// openSaveImage reads what is before QEMU's stream. It refuses what it does not
// know.
func openSaveImage(file *os.File) (*saveImage, error) {
	s := &saveImage{file: file}
	err := binary.Read(io.NewSectionReader(file, 0, int64(binary.Size(s.header))), binary.LittleEndian, &s.header)
	if err != nil {
		return nil, fmt.Errorf("%s is too short for a save image: %w", file.Name(), err)
	}
	h := &s.header
	switch {
	case string(h.Magic[:]) == savePartialMagic:
		return nil, fmt.Errorf("%s is a save image that was not completed", file.Name())
	case string(h.Magic[:]) != saveMagic:
		return nil, fmt.Errorf("%s is no save image of libvirt's: it begins with %q", file.Name(), h.Magic[:])
	case h.Version != saveVersion:
		return nil, fmt.Errorf("%s is a save image of version %d; axolotl knows %d; set %s=mapped if mapping works here",
			file.Name(), h.Version, saveVersion, RestoreVariable)
	case h.Length == 0 || h.Length > saveLengthLimit || h.CookieOffset > h.Length:
		return nil, fmt.Errorf("%s is damaged: its header says that the description has %d bytes, with a cookie at %d", file.Name(), h.Length, h.CookieOffset)
	}
	text := make([]byte, h.Length)
	if _, err := file.ReadAt(text, s.begin()); err != nil {
		return nil, fmt.Errorf("%s ends within the description: %w", file.Name(), err)
	}
	if h.CookieOffset == 0 {
		return s, nil
	}
	end := bytes.IndexByte(text[h.CookieOffset:], 0)
	if end < 0 {
		return nil, fmt.Errorf("%s is damaged: its cookie does not end", file.Name())
	}
	s.cookie = text[h.CookieOffset : int(h.CookieOffset)+end+1]
	return s, nil
}

// begin is where the description begins in the file.
func (s *saveImage) begin() int64 { return int64(binary.Size(s.header)) }

// describe puts another description into the place of the one that is there.
func (s *saveImage) describe(xml string) error {
	text := append([]byte(xml), 0)
	offset := len(text)
	text = append(text, s.cookie...)
	if len(text) > int(s.header.Length) {
		return fmt.Errorf("the description and its cookie have %d bytes, and %s has room for %d", len(text), s.file.Name(), s.header.Length)
	}
	if len(s.cookie) > 0 {
		s.header.CookieOffset = uint32(offset) //nolint:gosec // below Length
	}
	whole, err := binary.Append(nil, binary.LittleEndian, s.header)
	if err != nil {
		return err
	}
	whole = append(whole, text...)
	whole = append(whole, make([]byte, int(s.header.Length)-len(text))...)
	_, err = s.file.WriteAt(whole, 0)
	return err
}

// copySaveImage makes a copy of a save image, which is only read, with another
// description. Where the file system can, they share their blocks. The copy need
// not be on disk: it is of use once, and is written anew the next time.
func copySaveImage(ctx context.Context, to, from, xml string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if _, err := openSaveImage(source); err != nil { // before gigabytes are copied
		return err
	}
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	for {
		const part = 64 << 20 // bytes; ctx is looked at in between
		_, err := io.CopyN(target, source, part)
		if errors.Is(err, io.EOF) {
			break
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
	image, err := openSaveImage(target)
	if err != nil {
		return err
	}
	return image.describe(xml)
}
