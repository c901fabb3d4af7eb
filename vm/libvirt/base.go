package libvirt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"axolotl/vm"
	"axolotl/vm/image"
)

// baseFile lies beside a machine's overlay, and holds the digest of the node image's
// disk that this lies over.
const baseFile = "base"

// sameBase refuses a machine whose overlay lies over a node image that was made anew
// since. That has not the same bytes, though it is made of the same: the machine's
// file system would be torn.
func (d *Driver) sameBase(c *vm.Cluster, m *vm.Machine, img *image.Image) error {
	golden, err := d.inGolden(c, m.Name)
	if err != nil {
		return err
	}
	dir := c.Dir
	if golden {
		dir = d.home.Golden(c.Golden)
	}
	if err := liesOver(dir, m.Name, img); err != nil {
		return fmt.Errorf("%w; 'axolotl recreate %s' makes the machines anew", err, c.Name)
	}
	return nil
}

// Fits implements vm.Freezer and vm.Saver: the node image is there, and has the bytes
// that the disks in kept, or those of the golden snapshot under them, lie over.
func (d *Driver) Fits(c *vm.Cluster, kept string) error {
	img, err := image.Open(d.home, c.Image)
	if err != nil {
		return err
	}
	dirs := []string{kept}
	if c.Golden != "" {
		dirs = append(dirs, d.home.Golden(c.Golden))
	}
	for _, dir := range slices.Compact(dirs) {
		for _, m := range c.Machines {
			if err := liesOver(dir, m.Name, img); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
		}
	}
	return nil
}

// liesOver returns an error where the overlay of a machine in a directory is noted to
// lie over other bytes than the image has now. There is no note of one that an
// earlier release has made, that lies over a golden snapshot's, or on another host.
func liesOver(dir, machine string, img *image.Image) error {
	noted, err := os.ReadFile(machineFile(dir, machine, baseFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || string(noted) == img.RootDigest() {
		return err
	}
	return fmt.Errorf("its disk lies over a node image %s that was made anew since, and has other bytes now", img.ID)
}
