package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// hashBlocks writes the offset and the content of each block that is not all
// zero. The outcome is the same whether the zeros are holes or not.
func hashBlocks(w io.Writer, f *os.File) error {
	const size = 64 << 10 // bytes
	block, zeros := make([]byte, size), make([]byte, size)
	for at := int64(0); ; {
		data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		switch {
		case errors.Is(err, unix.ENXIO): // nothing but a hole from here on
			return nil
		case errors.Is(err, unix.EINVAL): // a file system without holes
			data = at
		case err != nil:
			return err
		}
		at = data - data%size
		n, err := f.ReadAt(block, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			return nil
		}
		if !bytes.Equal(block[:n], zeros[:n]) {
			if err := binary.Write(w, binary.LittleEndian, at); err != nil {
				return err
			}
			if _, err := w.Write(block[:n]); err != nil {
				return err
			}
		}
		at += int64(n)
	}
}
