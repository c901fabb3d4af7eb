package libvirt

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

func TestStartError(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().String()
	// As QEMU 7.2 said it through libvirt 9.0.
	said := fmt.Errorf("virError(Code=1, Domain=10, Message='internal error: process exited while connecting to monitor: "+
		"1:20002-10.0.2.15:30002,hostfwd=tcp:127.0.0.1:20003-10.0.2.15:30003: Could not set up host forwarding rule 'tcp:%s-10.0.2.15:30000'')", address)
	for uri, who := range map[string]string{
		"qemu:///system":        fmt.Sprintf("(pid %d); end that, and 'axolotl up' has the cluster back", os.Getpid()),
		"qemu+ssh://far/system": "a program there ('ss -ltnp' tells which); end that",
	} {
		err := newConnection(uri).startError(said)
		if !strings.HasPrefix(err.Error(), address+" is a port of this cluster and was taken meanwhile, by ") || !strings.Contains(err.Error(), who) {
			t.Error(err)
		}
	}
	c := newConnection("qemu:///system")
	other := errors.New("no such kernel")
	if err := c.startError(other); !errors.Is(err, other) {
		t.Error(err)
	}
	if err := c.startError(nil); err != nil {
		t.Error(err)
	}
}
