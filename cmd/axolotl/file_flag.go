package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// fileFlag is, as the value of a flag, the path of a file that will be written. That
// it can be is seen before anything is done.
type fileFlag string

// Set implements pflag.Value.
func (f *fileFlag) Set(path string) error {
	*f = fileFlag(path)
	return haveDirectory(path)
}

// String implements pflag.Value.
func (f *fileFlag) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *fileFlag) Type() string { return "file" }

// haveDirectory refuses the path of a file, as a person typed it, whose directory is
// not there: to make it would hide a slip.
func haveDirectory(path string) error {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("directory %q does not exist", dir)
	}
	return nil
}
