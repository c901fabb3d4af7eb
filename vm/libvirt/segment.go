package libvirt

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"axolotl/vm"
)

// segment is the private segment of a cluster that is spread over hosts: a switch
// with a port for each machine. QEMU listens, on the loopback of its own host, for
// whoever connects to the machine's card; ssh leads there from this one.
//
// A card's address is that of its machine, so the switch has nothing to learn, and
// takes nothing from a card that has another one: no frame comes around twice, and
// nobody answers in another machine's name.
type segment struct {
	log *zap.Logger

	mu    sync.RWMutex
	ports map[mac]*port
}

// mac is the hardware address of a card.
type mac [6]byte

// segmentAddress is that of a machine's card on the segment.
func segmentAddress(m *vm.Machine) (h mac) {
	address, err := net.ParseMAC(fmt.Sprintf(segmentMAC, m.Index))
	if err != nil {
		panic(err) // an index is a byte: networks have no addresses for more
	}
	copy(h[:], address)
	return h
}

// port is the way to the card of one machine.
type port struct {
	card   mac
	socket string // on this host
	out    chan []byte
	cancel context.CancelFunc
	ended  chan struct{}
}

const (
	// portQueue is how many frames wait for a card before some are lost, as in any
	// switch: a machine may be paused.
	portQueue = 1024
	// frameMost is more than any frame that a card sends, in bytes: with offloads
	// one is as long as an IP packet may be.
	frameMost = 1<<16 + 64
	// frameHead is what QEMU puts before each: its length, in four bytes.
	frameHead = 4
	// addresses are what a frame begins with: to whom, and from whom.
	addresses = 12
)

func newSegment(log *zap.Logger) *segment {
	return &segment{log: log, ports: map[mac]*port{}}
}

// follow has a port for each machine of a record, and no other.
func (s *segment) follow(ctx context.Context, c *vm.Cluster) {
	wanted := map[mac]string{}
	for i := range c.Machines {
		m := &c.Machines[i]
		wanted[segmentAddress(m)] = net.JoinHostPort("127.0.0.1", strconv.Itoa(linkPort(m)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for card, p := range s.ports {
		if wanted[card] != p.socket {
			p.cancel()
			delete(s.ports, card)
		}
	}
	for card, socket := range wanted {
		if s.ports[card] == nil {
			ctx, cancel := context.WithCancel(ctx)
			p := &port{card: card, socket: socket, out: make(chan []byte, portQueue), cancel: cancel, ended: make(chan struct{})}
			s.ports[card] = p
			go s.serve(ctx, p)
		}
	}
}

// end waits for the ports; their context has ended.
func (s *segment) end() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, p := range s.ports {
		<-p.ended
	}
}

// plugPause is how long a port waits before it is connected anew: its machine may
// be off.
const plugPause = 200 * time.Millisecond

// serve keeps a port connected until ctx ends.
func (s *segment) serve(ctx context.Context, p *port) {
	defer close(p.ended)
	for {
		var dialer net.Dialer
		p.drain() // and not once it is connected: frames may be for it by then
		conn, err := dialer.DialContext(ctx, "tcp4", p.socket)
		if err == nil {
			err = s.exchange(ctx, p, conn)
		}
		if ctx.Err() != nil {
			return
		}
		s.log.Debug("a card is unplugged", zap.String("socket", p.socket), zap.Error(err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(plugPause):
		}
	}
}

// exchange carries frames from and to a card until its connection ends.
func (s *segment) exchange(ctx context.Context, p *port, conn net.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		<-ctx.Done()
		conn.Close()
	})
	group.Go(func() {
		defer cancel()
		send(ctx, conn, p.out)
	})
	err := s.receive(p, conn)
	cancel()
	group.Wait()
	return err
}

// receive takes frames from a card and gives each to whom it is for.
func (s *segment) receive(p *port, from io.Reader) error {
	buffered := bufio.NewReaderSize(from, frameMost)
	for {
		var head [frameHead]byte
		if _, err := io.ReadFull(buffered, head[:]); err != nil {
			return err
		}
		length := binary.BigEndian.Uint32(head[:])
		if length > frameMost {
			return fmt.Errorf("a frame of %d bytes is none of a card's", length)
		}
		frame := make([]byte, frameHead+length)
		copy(frame, head[:])
		if _, err := io.ReadFull(buffered, frame[frameHead:]); err != nil {
			return err
		}
		s.forward(p, frame)
	}
}

// forward gives a frame, with its head, to the card that it is for, or to all
// others where it is for several.
func (s *segment) forward(from *port, frame []byte) {
	if len(frame) < frameHead+addresses {
		return
	}
	to, sender := mac(frame[frameHead:]), mac(frame[frameHead+len(mac{}):])
	if sender != from.card {
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if group := to[0]&1 == 1; !group {
		if p := s.ports[to]; p != nil {
			p.offer(frame)
		}
		return
	}
	for card, p := range s.ports {
		if card != sender {
			p.offer(frame)
		}
	}
}

// offer has a frame wait for a card, or be lost.
func (p *port) offer(frame []byte) {
	select {
	case p.out <- frame:
	default:
	}
}

// drain forgets the frames that wait: a card that was unplugged is as a rule that of a
// machine that has booted since, and they are of before.
func (p *port) drain() {
	for {
		select {
		case <-p.out:
		default:
			return
		}
	}
}

// send writes the frames that wait, until ctx ends or one cannot be written.
func send(ctx context.Context, to io.Writer, frames <-chan []byte) {
	buffered := bufio.NewWriterSize(to, frameMost)
	for {
		select {
		case frame := <-frames:
			if _, err := buffered.Write(frame); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
		if len(frames) > 0 {
			continue // they go together
		}
		if err := buffered.Flush(); err != nil {
			return
		}
	}
}
