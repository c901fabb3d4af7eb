package vm

import (
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
