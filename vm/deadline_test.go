package vm

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Emulated machines get longer the more there are, others do not.
func TestDeadline(t *testing.T) {
	for _, test := range []struct {
		spec Spec
		want time.Duration
	}{
		{Spec{}, Deadline},
		{Spec{ControlPlanes: 1, Workers: 2, Accel: Emulated}, Deadline},
		{Spec{ControlPlanes: 1, Workers: 3, Accel: Emulated}, 2 * Deadline},
		{Spec{ControlPlanes: 3, Accel: Emulated}, 3 * Deadline},
		{Spec{ControlPlanes: 3, Workers: 2, Accel: Emulated}, 3 * Deadline},
		{Spec{ControlPlanes: 5, Workers: 5, Accel: "kvm"}, Deadline},
		{Spec{ControlPlanes: 1, Workers: 1000}, Deadline}, // of the local driver
	} {
		if got := test.spec.Deadline(); got != test.want {
			t.Errorf("%s: %s, want %s", test.spec, got, test.want)
		}
	}
}

// What outlasts a context ends a while after that, and not before.
func TestOutlast(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	last, cancel := Outlast(ctx, time.Millisecond)
	defer cancel()
	if last.Err() != nil {
		t.Error(last.Err())
	}
	long, cancelLong := Outlast(ctx, time.Hour)
	end()
	<-last.Done()
	if long.Err() != nil {
		t.Error(long.Err())
	}
	cancelLong()
	if !errors.Is(long.Err(), context.Canceled) {
		t.Error(long.Err())
	}
}
