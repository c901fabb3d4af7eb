package fault

import (
	"context"
	"fmt"
	"time"

	"axolotl/vm"
)

// squeeze is how much of its time each processor works at most.
type squeeze struct {
	Percent int `json:"percent" yaml:"percent"` // of its time that each processor works at most, 1 to 99
}

// Check implements Checked.
func (s *squeeze) Check() []Wrong { return between("percent", s.Percent, 1, 99) }

// limit is the squeeze as the kernel has it, by its usual period.
func (s *squeeze) limit() vm.CPULimit {
	const period = 100 * time.Millisecond
	return vm.CPULimit{Period: period, Quota: period * time.Duration(s.Percent) / 100}
}

// priorCPU is the key of what held before.
const priorCPU = "cpu"

func newCPUSqueezed() Fault {
	with := &squeeze{Percent: 25}
	limiter := func(h *vm.Handle) (vm.CPULimiter, error) {
		return ability[vm.CPULimiter](h, "held to a part of their processors' time")
	}
	hold := func(ctx context.Context, h *vm.Handle, o Object, limit vm.CPULimit) error {
		driver, err := limiter(h)
		if err != nil {
			return err
		}
		return driver.SetCPULimit(ctx, h.Cluster, o.Name, limit)
	}
	held := func(ctx context.Context, h *vm.Handle, o Object, want vm.CPULimit) (vm.CPULimiter, error) {
		driver, err := limiter(h)
		if err != nil {
			return nil, err
		}
		now, err := driver.CPULimit(ctx, h.Cluster, o.Name)
		if err == nil && now != want && (now.Quota >= 0 || want.Quota >= 0) {
			err = fmt.Errorf("the processors of machine %s are held to %s of %s, not to %s of %s", o.Name, now.Quota, now.Period, want.Quota, want.Period)
		}
		return driver, err
	}
	return &hosted{
		name: "cpu-squeezed",
		doc: Doc{
			Does:   "has the host give the processors of nodes no more than a part of their time (vcpu_quota): whatever runs there is slower, as beside greedy neighbours",
			Needs:  "a libvirt that has the cpu controller of the host's control groups (qemu:///system)",
			Proved: "the driver says that the limit holds, and endless loops in the machine get no more of the host's time than that",
			Undone: "the limit that held before is set again; the driver says that it holds",
		},
		effect: Effect{On: OnNodes, Takes: TakesNothing, Slow: true},
		with:   with,
		able: func(ctx context.Context, h *vm.Handle) error {
			driver, err := limiter(h)
			if err != nil {
				return err
			}
			return driver.CanLimitCPU(ctx, h.Cluster)
		},
		note: func(ctx context.Context, h *vm.Handle, o Object) error {
			driver, err := limiter(h)
			if err != nil {
				return err
			}
			limit, err := driver.CPULimit(ctx, h.Cluster, o.Name)
			if err != nil {
				return err
			}
			return remember(o, priorCPU, limit)
		},
		inject: func(ctx context.Context, h *vm.Handle, o Object) error { return hold(ctx, h, o, with.limit()) },
		injected: func(ctx context.Context, h *vm.Handle, o Object) (string, error) {
			driver, err := held(ctx, h, o, with.limit())
			if err != nil {
				return "", err
			}
			return with.measure(ctx, h, o, driver)
		},
		undo: func(ctx context.Context, h *vm.Handle, o Object) error {
			var prior vm.CPULimit
			if err := recall(o, priorCPU, &prior); err != nil {
				return err
			}
			return hold(ctx, h, o, prior)
		},
		undone: func(ctx context.Context, h *vm.Handle, o Object) (string, error) {
			var prior vm.CPULimit
			if err := recall(o, priorCPU, &prior); err != nil {
				return "", err
			}
			if _, err := held(ctx, h, o, prior); err != nil {
				return "", err
			}
			if prior.Quota < 0 {
				return fmt.Sprintf("the processors of machine %s are not held back", o.Name), nil
			}
			return fmt.Sprintf("the processors of machine %s are held to %s of %s, as before", o.Name, prior.Quota, prior.Period), nil
		},
	}
}

// squeezeSeen is how long a machine's processors are watched.
var squeezeSeen = time.Second

// measure gives every processor of a machine an endless loop, and proves by the
// host's account that they did not get more than they may while it ran; a fifth
// more is for what was saved up in the period before.
func (s *squeeze) measure(ctx context.Context, h *vm.Handle, o Object, driver vm.CPULimiter) (string, error) {
	const loops = "for i in $(seq \"$(nproc)\"); do timeout 5 sh -c 'while :; do :; done' </dev/null >/dev/null 2>&1 & done\nnproc\n"
	processors, err := shell(ctx, h, o.Name, loops)
	if err != nil {
		return "", err
	}
	var n int
	if _, err := fmt.Sscan(processors, &n); err != nil || n < 1 {
		return "", fmt.Errorf("machine %s says that it has %q processors", o.Name, processors)
	}
	begin := time.Now()
	before, err := driver.CPUTime(ctx, h.Cluster, o.Name)
	if err != nil {
		return "", err
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(squeezeSeen):
	}
	after, err := driver.CPUTime(ctx, h.Cluster, o.Name)
	if err != nil {
		return "", err
	}
	share := 100 * float64(after-before) / float64(n) / float64(time.Since(begin))
	if share > 1.2*float64(s.Percent) {
		return "", fmt.Errorf("each processor of machine %s worked for %.0f %% of the time, not for %d", o.Name, share, s.Percent)
	}
	return fmt.Sprintf("each processor of machine %s, with an endless loop to do, worked for %.0f %% of the time", o.Name, share), nil
}
