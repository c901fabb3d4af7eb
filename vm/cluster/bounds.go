package cluster

import (
	"errors"
	"fmt"
)

// Bounds are the least and the most that may be asked for.
type Bounds struct{ Low, High int }

// The bounds of what machines are.
var (
	CPUs      = Bounds{1, 64}
	MemoryMiB = Bounds{1536, 1 << 20}
	DiskGiB   = Bounds{10, 10_000}
)

// Check returns an error that says what may be asked for instead.
func (b Bounds) Check(value int) error {
	if value < b.Low || value > b.High {
		return fmt.Errorf("use %d to %d", b.Low, b.High)
	}
	return nil
}

// CheckControlPlanes returns an error that says how many control planes may be
// asked for instead.
func CheckControlPlanes(count int) error {
	if count < 1 || count > 5 || count%2 == 0 {
		return errors.New("use 1, 3 or 5: each has a member of etcd, and one more than an odd number stands no further loss")
	}
	return nil
}
