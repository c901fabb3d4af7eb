package libvirt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"strconv"
	"testing"
	"time"

	"go.uber.org/zap"

	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/libvirt/sshdtest"
)

// fakeCard is a machine's card as QEMU has it: a socket that listens, and takes one
// connection at a time.
type fakeCard struct {
	mac    mac
	listen net.Listener
	conns  chan net.Conn
	conn   net.Conn
}

// plugIn has a machine's card wait for the switch at an address.
func plugIn(t *testing.T, m *vm.Machine, loopback string) *fakeCard {
	t.Helper()
	listen, err := net.Listen("tcp4", net.JoinHostPort(loopback, strconv.Itoa(linkPort(m))))
	if err != nil {
		t.Fatal(err)
	}
	card := &fakeCard{mac: segmentAddress(m), listen: listen, conns: make(chan net.Conn, 8)}
	t.Cleanup(card.pull)
	go func() {
		for {
			conn, err := listen.Accept()
			if err != nil {
				return
			}
			card.conns <- conn
		}
	}()
	return card
}

// pull is the end of the machine's power.
func (c *fakeCard) pull() {
	c.listen.Close()
	if c.conn != nil {
		c.conn.Close()
	}
}

// connected waits for the switch.
func (c *fakeCard) connected(t *testing.T) {
	t.Helper()
	select {
	case c.conn = <-c.conns:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody has connected to the card")
	}
}

func (c *fakeCard) send(t *testing.T, to, from mac, text string) {
	t.Helper()
	frame := binary.BigEndian.AppendUint32(nil, uint32(addresses+len(text)))
	frame = append(append(append(frame, to[:]...), from[:]...), text...)
	if _, err := c.conn.Write(frame); err != nil {
		t.Fatal(err)
	}
}

// heard is the text of the next frame that comes.
func (c *fakeCard) heard(t *testing.T) string {
	t.Helper()
	text, err := c.next(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c *fakeCard) next(within time.Duration) (string, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return "", err
	}
	var head [frameHead]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return "", err
	}
	frame := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(c.conn, frame); err != nil {
		return "", err
	}
	return string(frame[addresses:]), nil
}

var everybody = mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// plugged are machines on the switch, and that.
func plugged(t *testing.T, machines int) (*vm.Cluster, *segment, []*fakeCard) {
	t.Helper()
	c := &vm.Cluster{Name: "c", ID: "c", Dir: t.TempDir(), Spec: vm.Spec{ControlPlanes: 1, Workers: machines - 1}}
	c.Machines = vm.PlanMachines(nil, c.Spec)
	if err := assignPorts(store.Home{State: c.Dir}, c); err != nil {
		t.Fatal(err)
	}
	var cards []*fakeCard
	for i := range c.Machines {
		cards = append(cards, plugIn(t, &c.Machines[i], "127.0.0.1"))
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := newSegment(zap.NewNop())
	t.Cleanup(s.end)
	t.Cleanup(cancel)
	s.follow(ctx, c)
	for _, card := range cards {
		card.connected(t)
	}
	return c, s, cards
}

// A frame comes to whom it is for, once; one for all to all others; and none in
// another machine's name.
func TestSegment(t *testing.T) {
	_, _, cards := plugged(t, 3)
	a, b, c := cards[0], cards[1], cards[2]
	a.send(t, b.mac, a.mac, "to b")
	if got := b.heard(t); got != "to b" {
		t.Errorf("b heard %q", got)
	}
	a.send(t, everybody, a.mac, "to all")
	for _, card := range []*fakeCard{b, c} {
		if got := card.heard(t); got != "to all" { // "to b" was not for c
			t.Errorf("%x heard %q", card.mac, got)
		}
	}
	a.send(t, b.mac, c.mac, "as c")
	a.send(t, mac{2, 2, 2, 2, 2, 2}, a.mac, "to nobody")
	a.send(t, everybody, c.mac, "all as c")
	a.send(t, b.mac, a.mac, "again to b")
	if got := b.heard(t); got != "again to b" {
		t.Errorf("b heard %q", got)
	}
	if got, err := a.next(100 * time.Millisecond); err == nil {
		t.Errorf("a heard %q, which it has sent itself", got)
	}
}

// waiting is how many frames wait for a card.
func (s *segment) waiting(card mac) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.ports[card].out)
}

// A machine whose power was cut is joined again when it is back; one that takes
// nothing, as when it is paused, keeps no other one waiting.
func TestSegmentPastPowerCut(t *testing.T) {
	cluster, s, cards := plugged(t, 3)
	a, b, c := cards[0], cards[1], cards[2]
	b.pull()
	for i := range 4 * portQueue { // c reads nothing of this
		a.send(t, c.mac, a.mac, fmt.Sprintf("%01000d", i))
	}
	for start := time.Now(); s.waiting(b.mac) == 0; { // b is off
		if time.Since(start) > 20*time.Second {
			t.Fatal("no frame waits for b")
		}
		a.send(t, b.mac, a.mac, "of before the power cut")
	}
	b = plugIn(t, &cluster.Machines[1], "127.0.0.1")
	b.connected(t)
	for start := time.Now(); s.waiting(b.mac) > 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatal("frames still wait for b")
		}
	}
	a.send(t, b.mac, a.mac, "you are back")
	if got := b.heard(t); got != "you are back" {
		t.Errorf("b heard %q", got)
	}
	if got := c.heard(t); got != fmt.Sprintf("%01000d", 0) {
		t.Errorf("c heard %q", got)
	}
	// What is no frame ends the connection, and not the port.
	if _, err := a.conn.Write([]byte{0xff, 0xff, 0xff, 0xff, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.next(20 * time.Second); !errors.Is(err, io.EOF) {
		t.Errorf("after half a frame: %v", err)
	}
	a.connected(t)
	// Who has left is not connected any more.
	cluster.Machines = cluster.Machines[:2]
	s.follow(t.Context(), cluster)
	for {
		if _, err := c.next(20 * time.Second); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("who has left is still connected")
			}
			break
		}
	}
}

// Between hosts the way is ssh: a machine that is there speaks with one that is
// here, also past the death of the process that is the switch.
func TestSegmentBetweenHosts(t *testing.T) {
	server := sshdtest.Start(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	uri := server.URI(me.Username)
	w := newSpread(t)
	adapt := w.adapt
	w.adapt = func(d *Driver) { adapt(d); d.Tunnel = realTunnel }
	asked := spread(1)
	asked.Groups[1].Host = uri
	w.must(w.up(w.options("c", asked)))
	w.healthy("c")
	c := w.load("c")
	here, there := &c.Machines[0], &c.Machines[1]
	a, b := plugIn(t, here, "127.0.0.1"), plugIn(t, there, networkOf(c, there).Loopback)
	speak := func() {
		t.Helper()
		a.connected(t)
		b.connected(t)
		b.send(t, a.mac, b.mac, "from there")
		if got := a.heard(t); got != "from there" {
			t.Errorf("here %q was heard", got)
		}
		a.send(t, b.mac, a.mac, "from here")
		if got := b.heard(t); got != "from here" {
			t.Errorf("there %q was heard", got)
		}
	}
	speak()
	w.kill(w.part(tunnelName).PID)
	for _, card := range []*fakeCard{a, b} { // as QEMU does
		if _, err := card.next(20 * time.Second); !errors.Is(err, io.EOF) {
			t.Errorf("without the switch: %v", err)
		}
		card.conn.Close()
	}
	w.await("nothing is left of it", func() error {
		if left := w.balancers(); len(left) > 0 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
	w.must(w.driver().Mend(t.Context(), c))
	speak()
	gone(w)
}
