package libvirt

import (
	"context"
	"sync"

	"libvirt.org/go/libvirt"
)

// eventsQueued is how many events may wait for whoever asked for them. With
// more the stream ends, and he looks anew: libvirt's own loop is never held up.
const eventsQueued = 1000

// Events implements hypervisor, through a connection of its own: libvirt tells
// on it that it has gone, by which nobody waits for events that cannot come.
func (c *connection) Events(ctx context.Context) (<-chan string, error) {
	if err := c.again(func(*libvirt.Connect) error { return nil }); err != nil { // who begins anew may have to wait
		return nil, err
	}
	conn, err := c.connect()
	if err != nil {
		return nil, err
	}
	queue, lost := make(chan string, eventsQueued), make(chan struct{})
	lose := sync.OnceFunc(func() { close(lost) })
	if err := conn.RegisterCloseCallback(func(*libvirt.Connect, libvirt.ConnectCloseReason) { lose() }); err != nil {
		conn.Close() //nolint:errcheck // the first error says more
		return nil, err
	}
	end := func() {
		conn.UnregisterCloseCallback() //nolint:errcheck // the connection ends with it
		conn.Close()                   //nolint:errcheck // it was only listened to
	}
	id, err := conn.DomainEventLifecycleRegister(nil, func(_ *libvirt.Connect, dom *libvirt.Domain, _ *libvirt.DomainEventLifecycle) {
		uuid, err := dom.GetUUIDString() // it is in the event: nothing is asked
		if err != nil {
			lose()
			return
		}
		select {
		case queue <- uuid:
		default:
			lose()
		}
	})
	if err != nil {
		end()
		return nil, err
	}
	events := make(chan string)
	go func() {
		defer close(events)
		defer end()
		defer conn.DomainEventDeregister(id) //nolint:errcheck // the connection ends with it
		for {
			select {
			case uuid := <-queue:
				select {
				case events <- uuid:
				case <-ctx.Done():
					return
				}
			case <-lost:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}
