// Package disktest gives tests disks that are small and become full.
package disktest

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// Small mounts a disk of two mebibytes that is the test's own. Where it may not,
// the test is skipped.
func Small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("needs to mount a disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Fill writes a file until the disk is full.
func Fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for size := 1 << 16; size > 0; { // in ever smaller pieces
		_, err = file.Write(make([]byte, size))
		if err != nil {
			size /= 2
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}
