package libvirt

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"
)

// A host that takes connections and says nothing is given up, by libvirt's own
// ssh as well, and not waited for again at once.
func TestDialSilentHost(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := make(chan net.Conn, 8)
	t.Cleanup(func() {
		listener.Close()
		for len(taken) > 0 {
			(<-taken).Close() // with it libvirt's ssh ends
		}
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			taken <- conn
		}
	}()
	startEvents()
	uri := fmt.Sprintf("qemu+ssh://127.0.0.1:%d/system?no_tty=1&no_verify=1", listener.Addr().(*net.TCPAddr).Port)
	var d dialer
	const limit = 3 * time.Second
	began := time.Now()
	for range 3 {
		if conn, err := d.dial(uri, limit); !errors.Is(err, errSilent) {
			if err == nil {
				conn.Close() //nolint:errcheck // it is wrong that there is one
			}
			t.Fatal(err) // without libvirt or ssh, too
		}
	}
	if took := time.Since(began); took > 2*limit {
		t.Errorf("it was waited for more than once: %s", took)
	}
	if len(taken) != 1 {
		t.Errorf("%d connections", len(taken))
	}
}
