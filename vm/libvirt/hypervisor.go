package libvirt

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"axolotl/vm"
)

// hypervisor is all that this driver asks of libvirt. connection satisfies it
// with a real one; tests satisfy it in memory and fail at the call they choose.
type hypervisor interface {
	// Define records a persistent domain, or changes the record. The error is
	// errNameTaken where another domain has its name.
	Define(xml string) error
	// StartPaused starts a defined domain by another description than the one
	// on record, which stays; its CPUs do not run yet.
	StartPaused(xml string) error
	// SaveImage writes a paused domain's memory and devices into a file, whole,
	// in libvirt's own form. The domain stays, paused.
	SaveImage(uuid, path string) error
	// RestoreImage starts a defined domain by the description in such a file,
	// in the state that is in it; its CPUs do not run yet. It has read all of
	// the file when it returns.
	RestoreImage(path string) error
	// Pause stops a running domain's CPUs; Resume lets them go on.
	Pause(uuid string) error
	Resume(uuid string) error
	// Monitor sends one command to QEMU's own monitor, with open files, and
	// returns its answer.
	Monitor(uuid, command string, files ...*os.File) (string, error)
	// Owner is the user and group that QEMU runs as, who must own files that
	// libvirt does not know of; -1 where that is who we are.
	Owner() (uid, gid int, err error)
	// Start starts a defined domain. One that runs already is success.
	Start(uuid string) error
	// Reset presses the reset button of a running domain.
	Reset(uuid string) error
	// Destroy cuts a domain's power. One that is off or gone is success.
	Destroy(uuid string) error
	// Undefine removes a domain's record. One that is gone is success.
	Undefine(uuid string) error
	// Domain returns one domain, or errNoDomain.
	Domain(uuid string) (domain, error)
	// Domains returns all domains that carry our metadata, of any cluster.
	Domains() ([]domain, error)
	// Events gives the UUID of each domain, of anybody's, whose state may have
	// changed: started, stopped, paused, crashed, defined, undefined. It ends
	// with ctx, and where events may have been lost.
	Events(ctx context.Context) (<-chan string, error)
	// Agent sends one command to the guest agent and returns its answer, or
	// errAgentSilent.
	Agent(uuid, command string, timeout time.Duration) (string, error)
	// AttachDisk gives a running domain a disk, until it is off.
	AttachDisk(uuid, xml string) error
	// DetachDisk asks a domain to give the disk with a serial number back, and
	// tells whether it has it no more: its guest does so a moment later. One
	// that is off or gone has none.
	DetachDisk(uuid, serial string) (gone bool, err error)
	// DiskLimits returns the limits of a running domain's disk, by its target;
	// SetDiskLimits has these hold and no others, until the domain is off.
	DiskLimits(uuid, disk string) (vm.DiskLimits, error)
	SetDiskLimits(uuid, disk string, limits vm.DiskLimits) error
	// CPULimit returns what a running domain's processors are held to;
	// SetCPULimit has another hold until the domain is off.
	CPULimit(uuid string) (vm.CPULimit, error)
	SetCPULimit(uuid string, limit vm.CPULimit) error
	// CPUTime is how long a running domain's processors have worked.
	CPUTime(uuid string) (time.Duration, error)
	// Console opens a running domain's first serial console.
	Console(uuid string) (io.ReadWriteCloser, error)
	// BootsAndPowersOff runs a transient domain and returns true where the
	// guest powered off by itself, false where it ended otherwise, and ctx's
	// error where it did neither, and errLost where that cannot be known. before, where not nil, is called with its UUID
	// while it is paused; it does not run after an error of that, which is
	// returned. The domain is gone when it returns, and when this process ends.
	BootsAndPowersOff(ctx context.Context, xml string, before func(uuid string) error) (bool, error)
	// Version is the emulator's and the library's, for remembering probes.
	Version() (string, error)
}

// domain is what libvirt knows of a machine.
type domain struct {
	UUID   string
	Name   string
	Owner  metadata // empty in a foreign domain
	State  vm.MachineState
	Reason string
}

var (
	errNoDomain    = errors.New("no such domain")
	errNameTaken   = errors.New("another domain has this name and is left alone; rename or undefine it, or choose another name for the cluster")
	errAgentSilent = errors.New("the guest agent does not answer")
)
