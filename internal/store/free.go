package store

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// FreeBytes is how many bytes an ordinary user may still write on the file
// system that dir is on.
func FreeBytes(dir string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}
