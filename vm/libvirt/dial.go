package libvirt

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"libvirt.org/go/libvirt"
)

// answerTime is how long another host may take until it answers, by libvirt as by
// ssh, which else waits for a host that takes connections and says nothing for as
// long as TCP does. A way there is several round trips, and no work.
const answerTime = 20 * time.Second

// errSilent is a host that takes connections, if at all, and says nothing.
var errSilent = errors.New("it does not answer")

// dialer connects to an URI. A host that has not answered once is not waited for
// again for as long: who asks for three things waits once.
type dialer struct {
	mu    sync.Mutex
	until time.Time // it is not tried again before
}

// dial is libvirt.NewConnect, which itself can neither be cancelled nor given a limit.
func (d *dialer) dial(uri string, limit time.Duration) (*libvirt.Connect, error) {
	if !isRemote(uri) {
		return libvirt.NewConnect(uri)
	}
	d.mu.Lock()
	silent := time.Now().Before(d.until)
	d.mu.Unlock()
	host := sshTo(uri).host
	if silent {
		return nil, fmt.Errorf("%s: %w, as a moment ago", host, errSilent)
	}
	type result struct {
		conn *libvirt.Connect
		err  error
	}
	connected := make(chan result, 1)
	go func() {
		conn, err := libvirt.NewConnect(uri)
		connected <- result{conn, err}
	}()
	select {
	case r := <-connected:
		return r.conn, r.err
	case <-time.After(limit):
	}
	go func() {
		if late := <-connected; late.err == nil {
			late.conn.Close() //nolint:errcheck // nobody waits for it any more
		}
	}()
	d.mu.Lock()
	d.until = time.Now().Add(limit)
	d.mu.Unlock()
	return nil, fmt.Errorf("%s: %w within %s", host, errSilent, limit)
}
