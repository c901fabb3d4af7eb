// Package balance passes TCP connections on to whichever of several servers can
// serve them. What is in a connection it does not look at: TLS is between the
// two ends.
package balance

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Backend is one server.
type Backend struct {
	Name    string
	Address string // host:port

	// Check asks the server whether it can serve. answered tells whether it has
	// said anything at all, be it that it cannot. A connection that is accepted
	// proves nothing: a forward accepts for a server that is not there.
	Check func(ctx context.Context) (ready, answered bool)
}

// Pace is how often servers are asked, and how long they are waited for.
type Pace struct {
	Ready    time.Duration // between two questions to a server that can serve
	Unready  time.Duration // and to one that cannot
	Answer   time.Duration // that a server has for an answer
	Hold     time.Duration // that a new connection waits for a server that can serve
	Patience time.Duration // with a server that cannot serve; then its connections are cut
}

// Balancer spreads connections over servers.
type Balancer struct {
	pace Pace
	log  *zap.Logger

	mu       sync.Mutex
	backends []*backend
	next     int           // whose turn it is
	changed  chan struct{} // closed when a server has become ready
}

// backend is a server and what is known of it.
type backend struct {
	Backend
	ready    bool
	answered time.Time // when it last said anything, or was new
	served   time.Time // when it was last ready, or new
	pipes    map[*pipe]struct{}
	news     chan struct{} // a sign to ask it now
}

// New returns a balancer of servers that nobody has asked yet.
func New(backends []Backend, pace Pace, log *zap.Logger) *Balancer {
	b := &Balancer{pace: pace, log: log, changed: make(chan struct{})}
	now := time.Now()
	for _, one := range backends {
		b.backends = append(b.backends, &backend{
			Backend: one, answered: now, served: now, pipes: map[*pipe]struct{}{}, news: make(chan struct{}, 1),
		})
	}
	return b
}

// Serve passes on what comes in by listener until ctx ends; then it closes
// listener and all connections. It returns an error where listener fails.
func (b *Balancer) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	for _, one := range b.backends {
		group.Go(func() { b.watch(ctx, one) })
	}
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	for {
		client, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				client.Close()
			}
			return nil
		}
		if err != nil {
			return err
		}
		group.Go(func() { b.serve(ctx, client) })
	}
}

// serve passes one connection on.
func (b *Balancer) serve(ctx context.Context, client net.Conn) {
	defer client.Close()
	for _, one := range b.candidates(ctx) {
		server, err := (&net.Dialer{Timeout: b.pace.Answer}).DialContext(ctx, "tcp", one.Address)
		if err != nil {
			b.refused(one, err)
			continue
		}
		p := newPipe(client, server)
		b.mu.Lock()
		one.pipes[p] = struct{}{}
		b.mu.Unlock()
		stop := context.AfterFunc(ctx, p.cut)
		p.run()
		stop()
		b.mu.Lock()
		delete(one.pipes, p)
		b.mu.Unlock()
		return
	}
}

// candidates are the servers in the order in which a new connection tries them:
// those that are ready, each in its turn, and then, for a slow server is better
// than none, those that have answered last. Where none is ready it waits a
// moment for one.
func (b *Balancer) candidates(ctx context.Context) []*backend {
	held := time.NewTimer(b.pace.Hold)
	defer held.Stop()
	for waiting := true; ; {
		b.mu.Lock()
		all, ready, changed := b.order(), 0, b.changed
		for _, one := range all {
			if one.ready {
				ready++
			}
		}
		b.mu.Unlock()
		if ready > 0 || !waiting {
			return all
		}
		select {
		case <-changed:
		case <-held.C:
			waiting = false
		case <-ctx.Done():
			return nil
		}
	}
}

// order is candidates as it is now. The caller holds the lock.
func (b *Balancer) order() []*backend {
	b.next++
	turn := b.next % len(b.backends)
	all := slices.Concat(b.backends[turn:], b.backends[:turn])
	slices.SortStableFunc(all, func(one, other *backend) int {
		switch {
		case one.ready && other.ready:
			return 0
		case one.ready:
			return -1
		case other.ready:
			return 1
		}
		return other.answered.Compare(one.answered)
	})
	return all
}

// refused notes that a server takes no connection: whether it is there any more
// is asked at once.
func (b *Balancer) refused(one *backend, err error) {
	b.mu.Lock()
	was := one.ready
	one.ready = false
	b.mu.Unlock()
	if was {
		b.log.Warn("takes no connection", zap.String("server", one.Name), zap.Error(err))
	}
	select {
	case one.news <- struct{}{}:
	default:
	}
}
