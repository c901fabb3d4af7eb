package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
)

// DiskUsage is how many bytes a file or a tree takes on disk; holes take none.
// What is gone meanwhile counts as nothing.
func DiskUsage(path string) (int64, error) {
	const block = 512 // bytes, the unit of st_blocks, on every file system
	var bytes int64
	err := filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				bytes += info.Sys().(*syscall.Stat_t).Blocks * block
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return bytes, err
}
