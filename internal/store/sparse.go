package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// CopySparse copies a file and leaves holes where it has holes or zeros. The
// copy is on disk when it returns. An error or the end of ctx may leave a part
// of it.
func CopySparse(ctx context.Context, to, from string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if err := target.Truncate(info.Size()); err != nil {
		return err
	}
	const size = 1 << 20 // bytes
	block, zeros := make([]byte, size), make([]byte, 4096)
	for at := int64(0); at < info.Size(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := unix.Seek(int(source.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break // nothing but a hole from here on
		}
		if err == nil {
			at = data
		} else if !errors.Is(err, unix.EINVAL) { // a file system without holes
			return fmt.Errorf("%s: %w", from, err)
		}
		n, err := source.ReadAt(block, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for page := 0; page < n; page += len(zeros) {
			part := block[page:min(page+len(zeros), n)]
			if bytes.Equal(part, zeros[:len(part)]) {
				continue
			}
			if _, err := target.WriteAt(part, at+int64(page)); err != nil {
				return fmt.Errorf("write %s: %w", to, err)
			}
		}
		at += int64(n)
	}
	return target.Sync()
}
