package libvirt

import (
	"errors"
	"strings"
	"testing"
)

func TestStartError(t *testing.T) {
	// As QEMU 7.2 said it through libvirt 9.0.
	said := errors.New("virError(Code=1, Domain=10, Message='internal error: process exited while connecting to monitor: " +
		"1:20002-10.0.2.15:30002,hostfwd=tcp:127.0.0.1:20003-10.0.2.15:30003: Could not set up host forwarding rule 'tcp:127.0.0.1:20000-10.0.2.15:30000'')")
	if err := startError(said); !strings.HasPrefix(err.Error(), "another program has taken 127.0.0.1:20000 meanwhile: run the command again;") {
		t.Error(err)
	}
	other := errors.New("no such kernel")
	if err := startError(other); !errors.Is(err, other) {
		t.Error(err)
	}
	if err := startError(nil); err != nil {
		t.Error(err)
	}
}
