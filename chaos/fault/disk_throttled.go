package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"axolotl/vm"
)

// throttle is what a disk does in a second; 0: as much as it can.
type throttle struct {
	IOPS           int `json:"iops" yaml:"iops"`                     // reads and writes in a second; 0: as many as it can
	BytesPerSecond int `json:"bytesPerSecond" yaml:"bytesPerSecond"` // bytes of both; 0: as many as it can
}

// Check implements Checked.
func (t *throttle) Check() []Wrong {
	if t.IOPS == 0 && t.BytesPerSecond == 0 {
		return []Wrong{{"iops", "nothing is held to no limit; set it or bytesPerSecond to more than 0"}}
	}
	return slices.Concat(atLeast("iops", t.IOPS, 0), atLeast("bytesPerSecond", t.BytesPerSecond, 0))
}

func (t *throttle) limits() vm.DiskLimits {
	limits := vm.DiskLimits{}
	if t.IOPS > 0 {
		limits[vm.LimitIOPS] = uint64(t.IOPS)
	}
	if t.BytesPerSecond > 0 {
		limits[vm.LimitBytesPerSecond] = uint64(t.BytesPerSecond)
	}
	return limits
}

// priorLimits is the key of what held before.
const priorLimits = "limits"

func newDiskThrottled() Fault {
	// A disk that turns does about a hundred in a second: etcd asks for ten
	// milliseconds, and so has just that.
	with := &throttle{IOPS: 100, BytesPerSecond: 4 << 20}
	limiter := func(h *vm.Handle) (vm.DiskLimiter, error) { return ability[vm.DiskLimiter](h, "held to a slow disk") }
	hold := func(ctx context.Context, h *vm.Handle, o Object, limits vm.DiskLimits) error {
		driver, err := limiter(h)
		if err != nil {
			return err
		}
		return driver.SetDiskLimits(ctx, h.Cluster, o.Name, limits)
	}
	return &hosted{
		name: "disk-throttled",
		doc: Doc{
			Does:   "limits the reads and writes, and the bytes, that the disks of nodes do in a second",
			Needs:  "machines whose disks can be held to a rate (libvirt)",
			Proved: "the driver says that these limits hold, and reads past the machine's cache take the time that they must",
			Undone: "the limits that held before are set again; the driver says that they hold",
		},
		effect: Effect{On: OnNodes, Takes: TakesNothing, Slow: true},
		with:   with,
		able:   func(_ context.Context, h *vm.Handle) error { _, err := limiter(h); return err },
		note: func(ctx context.Context, h *vm.Handle, o Object) error {
			driver, err := limiter(h)
			if err != nil {
				return err
			}
			limits, err := driver.DiskLimits(ctx, h.Cluster, o.Name)
			if err != nil {
				return err
			}
			return remember(o, priorLimits, limits)
		},
		inject: func(ctx context.Context, h *vm.Handle, o Object) error { return hold(ctx, h, o, with.limits()) },
		injected: func(ctx context.Context, h *vm.Handle, o Object) (string, error) {
			seen, err := limited(ctx, h, o, with.limits())
			if err != nil {
				return "", err
			}
			measured, err := shell(ctx, h, o.Name, with.measure())
			if err != nil {
				return "", fmt.Errorf("machine %s is quicker than its limits: %w", o.Name, err)
			}
			return seen + "; " + measured, nil
		},
		undo: func(ctx context.Context, h *vm.Handle, o Object) error {
			var prior vm.DiskLimits
			if err := recall(o, priorLimits, &prior); err != nil {
				return err
			}
			return hold(ctx, h, o, prior)
		},
		undone: func(ctx context.Context, h *vm.Handle, o Object) (string, error) {
			var prior vm.DiskLimits
			if err := recall(o, priorLimits, &prior); err != nil {
				return "", err
			}
			return limited(ctx, h, o, prior)
		},
	}
}

// limited proves by what the driver says which limits hold.
func limited(ctx context.Context, h *vm.Handle, o Object, want vm.DiskLimits) (string, error) {
	driver, err := ability[vm.DiskLimiter](h, "held to a slow disk")
	if err != nil {
		return "", err
	}
	now, err := driver.DiskLimits(ctx, h.Cluster, o.Name)
	if err != nil {
		return "", err
	}
	if !maps.Equal(now, want) {
		return "", fmt.Errorf("the disk of machine %s is held to %s, not to %s", o.Name, now, want)
	}
	return fmt.Sprintf("the disk of machine %s is held to %s", o.Name, now), nil
}

// measure is a script that reads from the disk what a quarter of a second
// allows, past the cache, and fails where that was quicker. QEMU lets a tenth of
// a second's worth through at once.
func (t *throttle) measure() string {
	const block, chunk = 4 << 10, 64 << 10 // bytes
	script := `ms() { echo $(($(date +%s%N) / 1000000)); }
few() { before=$(ms); dd if=/dev/vda of=/dev/null bs="$1" count="$2" iflag=direct 2>/dev/null; took=$(($(ms) - before)); echo "$2 reads of $1 bytes took $took ms"; [ "$took" -ge "$3" ]; }
`
	if t.IOPS > 0 {
		count := max(1, t.IOPS/4)
		script += fmt.Sprintf("few %d %d %d\n", block, count, 1000*max(0, count-t.IOPS/10-1)/t.IOPS)
	}
	if t.BytesPerSecond > 0 {
		size := chunk
		if t.BytesPerSecond/4 < chunk {
			size = block
		}
		count := max(1, t.BytesPerSecond/4/size)
		script += fmt.Sprintf("few %d %d %d\n", size, count, 1000*max(0, count*size-t.BytesPerSecond/10-size)/t.BytesPerSecond)
	}
	return script
}

// remember writes a value of any kind among the prior ones of an object.
func remember(o Object, key string, value any) error {
	data, err := json.Marshal(value)
	o.Prior[key] = string(data)
	return err
}

// recall reads what remember wrote.
func recall(o Object, key string, value any) error {
	if err := json.Unmarshal([]byte(o.Prior[key]), value); err != nil {
		return fmt.Errorf("what the journal has of %s under %q: %w", o, key, err)
	}
	return nil
}
