package cluster

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"axolotl/internal/store"
	"axolotl/vm"
)

// sweep removes what commands that were killed have left in a cluster's directory,
// gigabytes that nobody is shown: snapshots that were being saved, and archives of
// images. The caller holds the cluster's lock, which those had who wrote it, so that
// nobody does now.
func sweep(c *vm.Cluster) error {
	saving, err := filepath.Glob(c.Path(snapshotsDir, "*"+savingSuffix))
	if err != nil {
		return err
	}
	archives, err := filepath.Glob(c.Path(imagesFile + "*")) // and what was unpacked for one
	if err != nil {
		return err
	}
	errs := []error{sweepMade(c)}
	for _, path := range append(saving, archives...) {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// sweepMade removes the archive of images that were made for the cluster, unless
// somebody is making it, which he does under a lock of its own.
func sweepMade(c *vm.Cluster) error {
	if _, err := os.Stat(c.Path(madeImagesFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lock, err := c.TryLock(madeImagesFile + ".lock")
	if locked := (*store.LockedError)(nil); errors.As(err, &locked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Unlock() //nolint:errcheck // the kernel frees it at the latest
	return store.RemoveFile(c.Path(madeImagesFile))
}
