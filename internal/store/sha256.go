package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// FileSHA256 is the hash of a file's content, in hex. In a sparse file, like a
// disk, what counts is each block that is not all zero, and its place: reading
// 10 GiB of nothing takes half a minute.
func FileSHA256(path string, sparse bool) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if sparse {
		err = hashBlocks(h, f)
	} else {
		_, err = io.Copy(h, f)
	}
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

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
