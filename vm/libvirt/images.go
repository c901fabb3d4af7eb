package libvirt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"libvirt.org/go/libvirtxml"

	"axolotl/internal/check"
	"axolotl/vm"
)

var _ vm.ImageLoader = (*Driver)(nil)

// imagesSerial is the serial number of the disk that images come on, by which
// the guest finds it: the kernel gives names as it likes.
const imagesSerial = "axolotl-images"

// pinned is the label of an image that the kubelet does not remove where the disk
// fills up: there is no way out to get it again. The node image's own have it too.
const pinned = "io.cri-containerd.pinned=pinned"

// importImages runs in a machine. The kernel sees the disk a moment after it
// was attached.
const importImages = `PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
tries=0
while [ "$tries" -lt 300 ]; do
  for serial in /sys/block/vd*/serial; do
    if [ "$(cat "$serial")" = ` + imagesSerial + ` ]; then
      exec ctr --namespace k8s.io images import --local --label ` + pinned + ` "/dev/$(basename "$(dirname "$serial")")"
    fi
  done
  tries=$((tries + 1))
  sleep 0.1
done
echo "the disk with the images did not appear within 30 s" >&2
exit 1`

// LoadImages implements vm.ImageLoader. The archive is attached to the machines
// as a disk that they only read: the agent would take minutes for what a disk
// gives in a second, and there is no network.
func (d *Driver) LoadImages(ctx context.Context, c *vm.Cluster, archive string) error {
	for _, m := range c.Machines { // before anything is done in one
		_, dom, err := d.owned(ctx, c, m.Name)
		if err != nil {
			return err
		}
		if dom.State != vm.MachineRunning {
			return fmt.Errorf("machine %s is %s; start it first ('axolotl node start %s %s')", m.Name, dom.State, c.Name, m.Name)
		}
	}
	return d.eachPlace(c, func(p *Driver, machines []*vm.Machine) error { return p.loadInto(ctx, c, machines, archive) })
}

// loadInto is LoadImages for machines of one host.
func (d *Driver) loadInto(ctx context.Context, c *vm.Cluster, machines []*vm.Machine, archive string) error {
	archive, remove, err := d.lend(ctx, c, archive)
	if err != nil {
		return err
	}
	images := disk("vdz", "raw", archive, true)
	images.Serial, images.Shareable = imagesSerial, &libvirtxml.DomainDiskShareable{}
	text, err := images.Marshal()
	if err != nil {
		return errors.Join(err, remove())
	}
	err = each(machines, func(m *vm.Machine) error {
		if err := d.loadImages(ctx, c, m, text); err != nil {
			return fmt.Errorf("load images into %s: %w", m.Name, err)
		}
		return nil
	})
	return errors.Join(err, remove())
}

// lend has QEMU read an archive, on whichever host it is, until remove.
func (d *Driver) lend(ctx context.Context, c *vm.Cluster, archive string) (path string, remove func() error, err error) {
	if d.remote == nil {
		return archive, func() error { return nil }, d.giveTo(archive)
	}
	const name = "images.tar"
	path, err = d.remote.putFile(ctx, c.ID, name, "0644", archive)
	return path, func() error { return d.remote.drop(context.WithoutCancel(ctx), c.ID, name) }, err
}

func (d *Driver) loadImages(ctx context.Context, c *vm.Cluster, m *vm.Machine, disk string) (err error) {
	if err := d.takeImages(ctx, m); err != nil { // of one that was killed
		return err
	}
	// Also where ctx has ended, or the machine has been attached the disk and
	// the answer was lost.
	defer func() { err = errors.Join(err, d.takeImages(context.WithoutCancel(ctx), m)) }()
	if err := d.at(m).hypervisor.AttachDisk(m.UUID, disk); err != nil {
		return err
	}
	_, err = d.Exec(ctx, c, m.Name, "/bin/sh", "-c", importImages)
	return err
}

// detachLimit is how long a guest may take to give a disk back: seconds where
// it is emulated and busy.
const detachLimit = time.Minute

// takeImages takes the disk with images from a machine, and returns when that
// has given it back. Where there is none it changes nothing.
func (d *Driver) takeImages(ctx context.Context, m *vm.Machine) error {
	detached := check.Func("the disk with images is detached from "+m.Name, func(context.Context) error {
		gone, err := d.at(m).hypervisor.DetachDisk(m.UUID, imagesSerial)
		if err != nil {
			return check.Permanent(err)
		}
		if !gone {
			return errors.New("the guest still has it")
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(ctx, detachLimit)
	defer cancel()
	return check.Wait(ctx, detached, 10*time.Millisecond, nil)
}
