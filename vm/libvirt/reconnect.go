package libvirt

import (
	"errors"
	"fmt"
	"time"

	"libvirt.org/go/libvirt"
)

// errLost is a call of which nobody knows what has become.
var errLost = errors.New("libvirt has gone while it was asked")

// restartTime is how long the libvirt of this host may take to be there again, where
// it was: whoever installs an update has its daemon start anew.
const restartTime = 15 * time.Second

// restartPause is how long it is left alone between two looks.
const restartPause = 200 * time.Millisecond

// open returns a connection that is alive, which the caller closes: others may go on
// with theirs when one of them finds that libvirt has gone.
func (c *connection) open() (*libvirt.Connect, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		if c.alive(c.conn) {
			return another(c.conn)
		}
		c.conn.Close() //nolint:errcheck // it is dead
		c.conn = nil
	}
	conn, err := c.connectAgain()
	if err != nil {
		return nil, err
	}
	c.conn = conn
	return another(conn)
}

// connectAgain connects, and waits for a libvirt of this host that was there before.
// It is not waited for again by the next who asks. The caller holds the lock.
func (c *connection) connectAgain() (*libvirt.Connect, error) {
	conn, err := c.connect()
	if c.wasThere && !isRemote(c.uri) {
		for end := time.Now().Add(c.patience); err != nil && time.Now().Before(end); {
			time.Sleep(restartPause)
			conn, err = c.connect()
		}
	}
	c.wasThere = err == nil
	return conn, err
}

// another is one more reference to a connection, which ends with the last of them.
func another(conn *libvirt.Connect) (*libvirt.Connect, error) {
	if err := conn.Ref(); err != nil {
		return nil, err
	}
	same := *conn // Close takes the value's pointer away
	return &same, nil
}

func isAlive(conn *libvirt.Connect) bool {
	alive, err := conn.IsAlive()
	return err == nil && alive
}

// do calls fn with a connection. Where that breaks meanwhile the error is errLost: the
// call may have been done, or not, or in part. So it is with what must not be done
// twice: what starts a machine from its memory, speaks to QEMU or to a guest, presses
// a button, writes a file, or adds or takes a device.
func (c *connection) do(fn func(*libvirt.Connect) error) error {
	conn, err := c.open()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // only a reference
	err = fn(conn)
	var said libvirt.Error
	ofTheWay := errors.As(err, &said) && said.Domain == libvirt.FROM_RPC
	if err != nil && !errors.Is(err, errLost) && (ofTheWay || !c.alive(conn)) {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// again is do for what may be done twice, as the second time changes nothing: looking,
// and what has a thing be in a state (defined or not, on or off, paused or not, held
// to a limit). Where the libvirt of this host goes, it is done once more when that is
// back. fn begins anew with what it returns.
func (c *connection) again(fn func(*libvirt.Connect) error) error {
	err := c.do(fn)
	if errors.Is(err, errLost) && !isRemote(c.uri) {
		return c.do(fn)
	}
	return err
}

// with is do for a domain that it looks up.
func (c *connection) with(uuid string, fn func(*libvirt.Domain) error) error {
	return c.do(onDomain(uuid, fn))
}

// againWith is again for one.
func (c *connection) againWith(uuid string, fn func(*libvirt.Domain) error) error {
	return c.again(onDomain(uuid, fn))
}

func onDomain(uuid string, fn func(*libvirt.Domain) error) func(*libvirt.Connect) error {
	return func(conn *libvirt.Connect) error {
		dom, err := conn.LookupDomainByUUIDString(uuid)
		if err == nil {
			defer dom.Free() //nolint:errcheck // only a reference
			err = fn(dom)
		}
		if hasCode(err, libvirt.ERR_NO_DOMAIN) {
			return errNoDomain
		}
		return err
	}
}
