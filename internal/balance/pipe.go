package balance

import (
	"io"
	"net"
	"sync"
)

// pipe is a client's connection and the one to the server that it was given.
type pipe struct{ client, server net.Conn }

func newPipe(client, server net.Conn) *pipe { return &pipe{client, server} }

// run passes bytes both ways until both ends have said their last, or one is
// broken.
func (p *pipe) run() {
	defer p.cut()
	var group sync.WaitGroup
	pass := func(to, from net.Conn) {
		if _, err := io.Copy(to, from); err != nil {
			p.cut() // the other way is of no use any more
			return
		}
		// Who has ended may still be listening: kubectl exec does so.
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
	group.Go(func() { pass(p.server, p.client) })
	group.Go(func() { pass(p.client, p.server) })
	group.Wait()
}

// cut ends both connections at once. It may be called again.
func (p *pipe) cut() {
	p.client.Close()
	p.server.Close()
}
