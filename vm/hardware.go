package vm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ErrMachineOff is the error of what can only be done to a machine that has
// power: with the power went all that was done to its hardware.
var ErrMachineOff = errors.New("it is off")

// Card is a network card of a machine.
type Card string

// The cards of a machine.
const (
	SegmentCard Card = "segment" // by which the machines of a cluster speak to one another
	OutsideCard Card = "outside" // by which the host's forwards come in
)

// Linker is a driver that can pull the network cables of a machine.
type Linker interface {
	// SetLink takes the link of one card away, as pulling its cable does, or
	// gives it back. One that is so already is success. Every link is up again
	// when the machine was off; of one that is off the error is ErrMachineOff.
	SetLink(ctx context.Context, c *Cluster, machine string, card Card, up bool) error
}

// DiskLimits are what a machine's root disk is held to, by the driver's names
// for its limits. A limit that is not named does not hold.
type DiskLimits map[string]uint64

// Limits that every DiskLimiter has, by libvirt's names.
const (
	LimitIOPS           = "total_iops_sec"  // reads and writes in a second
	LimitBytesPerSecond = "total_bytes_sec" // of reads and writes together
)

// String names the limits, or says that there are none.
func (l DiskLimits) String() string {
	if len(l) == 0 {
		return "no limit"
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(l)) {
		words = append(words, fmt.Sprintf("%s %d", name, l[name]))
	}
	return strings.Join(words, ", ")
}

// DiskLimiter is a driver that can hold a machine's root disk to a rate. Of a
// machine that is off the error is ErrMachineOff.
type DiskLimiter interface {
	// DiskLimits returns the limits that hold now.
	DiskLimits(ctx context.Context, c *Cluster, machine string) (DiskLimits, error)
	// SetDiskLimits has these limits hold and no others, until the machine is
	// off. The limits may be all that DiskLimits has returned.
	SetDiskLimits(ctx context.Context, c *Cluster, machine string, limits DiskLimits) error
}

// DiskBreaker is a driver that can have a machine's root disk fail. Of a
// machine that is off the error is ErrMachineOff.
type DiskBreaker interface {
	// BreakDisk has every read and write of the disk fail, until the machine is
	// off. One that fails already is success.
	BreakDisk(ctx context.Context, c *Cluster, machine string) error
	// DiskErrors tells whether the disk fails, and how many of the machine's
	// reads and writes have failed since it has power.
	DiskErrors(ctx context.Context, c *Cluster, machine string) (broken bool, failed int, err error)
}

// CPULimit is how long each of a machine's processors may work in each period.
type CPULimit struct {
	Period time.Duration `json:"period"`
	Quota  time.Duration `json:"quota"` // negative: all of it
}

// CPULimiter is a driver that can hold a machine's processors to a part of
// their time. Of a machine that is off the error is ErrMachineOff.
type CPULimiter interface {
	// CanLimitCPU returns nil where this host can, else why not and what to do.
	CanLimitCPU(ctx context.Context, c *Cluster) error
	// CPULimit returns the limit that holds now.
	CPULimit(ctx context.Context, c *Cluster, machine string) (CPULimit, error)
	// SetCPULimit has a limit hold until the machine is off.
	SetCPULimit(ctx context.Context, c *Cluster, machine string, limit CPULimit) error
	// CPUTime is how long the machine's processors have worked since it has
	// power, all together, as the host counts it.
	CPUTime(ctx context.Context, c *Cluster, machine string) (time.Duration, error)
}
