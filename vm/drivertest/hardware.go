package drivertest

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"axolotl/vm"
)

// actsOnHardware does to a machine's devices all that the driver can.
func (s *story) actsOnHardware(ctx context.Context, machine string, errs map[string]error) {
	if d, ok := s.driver.(vm.Linker); ok {
		errs["SetLink"] = d.SetLink(ctx, s.c, machine, vm.SegmentCard, false)
	}
	if d, ok := s.driver.(vm.DiskLimiter); ok {
		_, errs["DiskLimits"] = d.DiskLimits(ctx, s.c, machine)
		errs["SetDiskLimits"] = d.SetDiskLimits(ctx, s.c, machine, nil)
	}
	if d, ok := s.driver.(vm.DiskBreaker); ok {
		_, _, errs["DiskErrors"] = d.DiskErrors(ctx, s.c, machine)
		errs["BreakDisk"] = d.BreakDisk(ctx, s.c, machine)
	}
	if d, ok := s.driver.(vm.CPULimiter); ok {
		_, errs["CPULimit"] = d.CPULimit(ctx, s.c, machine)
		errs["SetCPULimit"] = d.SetCPULimit(ctx, s.c, machine, vm.CPULimit{})
		_, errs["CPUTime"] = d.CPUTime(ctx, s.c, machine)
	}
}

// off does something to a machine without power, which is no success, and
// gives it power again.
func (s *story) off(t *testing.T, do func() error) {
	t.Helper()
	power, ok := s.driver.(vm.Powerer)
	if !ok {
		return
	}
	must(t, power.PowerOff(t.Context(), s.c, s.last()))
	if err := do(); !errors.Is(err, vm.ErrMachineOff) {
		t.Errorf("of a machine that is off: %v", err)
	}
	must(t, power.PowerOn(t.Context(), s.c, s.last()))
	s.states(t, s.c, vm.MachineRunning, nil)
}

// links: a machine runs on without.
func (s *story) links(t *testing.T) {
	linker, ok := s.driver.(vm.Linker)
	if !ok {
		t.Skip("it is none")
	}
	for _, card := range []vm.Card{vm.SegmentCard, vm.OutsideCard} {
		for _, up := range []bool{false, true} {
			twice(t, func() error { return linker.SetLink(t.Context(), s.c, s.last(), card, up) })
			s.states(t, s.c, vm.MachineRunning, nil)
		}
		s.off(t, func() error { return linker.SetLink(t.Context(), s.c, s.last(), card, true) })
	}
	if err := linker.SetLink(t.Context(), s.c, s.last(), "none", true); err == nil {
		t.Error("a card that there is not has a link")
	}
}

// diskLimits: what is set holds, alone, and ends with the power.
func (s *story) diskLimits(t *testing.T) {
	limiter, ok := s.driver.(vm.DiskLimiter)
	if !ok {
		t.Skip("it is none")
	}
	hold := func(want vm.DiskLimits) {
		t.Helper()
		if now, err := limiter.DiskLimits(t.Context(), s.c, s.last()); err != nil || !maps.Equal(now, want) {
			t.Errorf("limits %v, want %v, error %v", now, want, err)
		}
	}
	hold(nil)
	for _, limits := range []vm.DiskLimits{{vm.LimitIOPS: 1000, vm.LimitBytesPerSecond: 1 << 24}, {vm.LimitIOPS: 500}, nil, {vm.LimitBytesPerSecond: 1 << 24}} {
		twice(t, func() error { return limiter.SetDiskLimits(t.Context(), s.c, s.last(), limits) })
		hold(limits)
	}
	s.off(t, func() error { return limiter.SetDiskLimits(t.Context(), s.c, s.last(), nil) })
	hold(nil)
}

// brokenDisk: it fails until the machine was off.
func (s *story) brokenDisk(t *testing.T) {
	breaker, ok := s.driver.(vm.DiskBreaker)
	if !ok {
		t.Skip("it is none")
	}
	fails := func(want bool) {
		t.Helper()
		if broken, _, err := breaker.DiskErrors(t.Context(), s.c, s.last()); err != nil || broken != want {
			t.Errorf("broken %t, want %t, error %v", broken, want, err)
		}
	}
	fails(false)
	twice(t, func() error { return breaker.BreakDisk(t.Context(), s.c, s.last()) })
	s.states(t, s.c, vm.MachineRunning, nil)
	fails(true)
	s.off(t, func() error { return breaker.BreakDisk(t.Context(), s.c, s.last()) })
	fails(false)
	s.settled(t)
}

// cpuLimit: what is set holds and can be taken back, and time is counted.
func (s *story) cpuLimit(t *testing.T) {
	limiter, ok := s.driver.(vm.CPULimiter)
	if !ok {
		t.Skip("it is none")
	}
	if err := limiter.CanLimitCPU(t.Context(), s.c); err != nil {
		if !strings.Contains(err.Error(), "; use ") {
			t.Errorf("%q does not say what to do", err)
		}
		t.Skip(err)
	}
	before, err := limiter.CPULimit(t.Context(), s.c, s.last())
	must(t, err)
	if before.Quota >= 0 {
		t.Errorf("a machine that nobody holds back is held to %+v", before)
	}
	for _, limit := range []vm.CPULimit{{Period: 50 * time.Millisecond, Quota: 20 * time.Millisecond}, before} {
		twice(t, func() error { return limiter.SetCPULimit(t.Context(), s.c, s.last(), limit) })
		if now, err := limiter.CPULimit(t.Context(), s.c, s.last()); err != nil || now != limit {
			t.Errorf("limit %+v, want %+v, error %v", now, limit, err)
		}
	}
	if worked, err := limiter.CPUTime(t.Context(), s.c, s.last()); err != nil || worked <= 0 {
		t.Errorf("its processors have worked for %s, %v", worked, err)
	}
	s.off(t, func() error { return limiter.SetCPULimit(t.Context(), s.c, s.last(), before) })
}
