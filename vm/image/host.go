package image

import (
	"errors"
	"io/fs"
	"os"

	"axolotl/internal/store"
)

// ofHost is root's cache, for an ordinary user who has it to read. To make an
// image takes minutes and most of a gigabyte; there is nothing secret in one.
func ofHost(home store.Home) (store.Home, bool) {
	return store.Home{Cache: home.HostCache}, home.HostCache != ""
}

// checkOfHost returns nil where a program of root's cache can be run.
func checkOfHost(path string) error {
	err := checkDigest(path)
	if errors.Is(err, fs.ErrPermission) {
		// NOTE: an earlier build kept its note from others. What has its name
		// there was whole when it was given that.
		_, err = os.Stat(path)
	}
	return err
}
