package balance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"axolotl/internal/check"
)

// quick is a pace at which a test need not wait.
var quick = Pace{
	Ready: 20 * time.Millisecond, Unready: 10 * time.Millisecond,
	Answer: 10 * time.Second, Hold: 10 * time.Millisecond, Patience: time.Hour,
}

// server says its name to who connects, and after it what it is told, word by
// word, until it is told no more.
type server struct {
	t        *testing.T
	name     string
	address  string
	listener net.Listener

	ready, silent atomic.Bool
	ended         atomic.Int32 // connections that have ended
}

func newServer(t *testing.T, name string) *server {
	s := &server{t: t, name: name, address: "127.0.0.1:0"}
	s.start()
	s.ready.Store(true)
	t.Cleanup(s.stop)
	return s
}

func (s *server) start() {
	s.t.Helper()
	listener, err := net.Listen("tcp4", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.listener == nil { // later ones are where the first one was
		s.address = listener.Addr().String()
	}
	s.listener = listener
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer s.ended.Add(1)
				defer conn.Close()
				fmt.Fprintln(conn, s.name)
				_, _ = io.Copy(conn, conn)
				fmt.Fprintln(conn, "bye")
			}()
		}
	}()
}

// stop ends the server but not its connections: those are the kernel's to end.
func (s *server) stop() { s.listener.Close() }

func (s *server) check(context.Context) (bool, bool) {
	conn, err := net.Dial("tcp4", s.address)
	if err != nil {
		return false, false
	}
	conn.Close()
	return s.ready.Load() && !s.silent.Load(), !s.silent.Load()
}

// balanced has a balancer of servers listen, and returns where, and what ends it.
func balanced(t *testing.T, pace Pace, servers ...*server) (address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var backends []Backend
	for _, s := range servers {
		backends = append(backends, Backend{Name: s.name, Address: s.address, Check: s.check})
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- New(backends, pace, zap.NewNop()).Serve(ctx, listener) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		done <- nil
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

// client is a connection and the name of the server at its other end.
type client struct {
	net.Conn
	words  *bufio.Reader
	server string
}

func dial(t *testing.T, address string) (*client, error) {
	t.Helper()
	conn, err := net.Dial("tcp4", address)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{Conn: conn, words: bufio.NewReader(conn)}
	c.server, err = c.word()
	return c, err
}

func (c *client) word() (string, error) {
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return "", err
	}
	line, err := c.words.ReadString('\n')
	return strings.TrimSpace(line), err
}

// await waits until something is so.
func await(t *testing.T, what string, so func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := check.Wait(ctx, check.Func(what, func(context.Context) error { return so() }), 5*time.Millisecond, nil); err != nil {
		t.Fatal(err)
	}
}

// serves waits until of many connections in a row each server gets some, and
// nobody else does.
func serves(t *testing.T, address string, want ...string) {
	t.Helper()
	await(t, "connections go to "+strings.Join(want, ", "), func() error {
		got := map[string]int{}
		for range 4 * len(want) {
			c, err := dial(t, address)
			if err != nil {
				return err
			}
			got[c.server]++
			c.Close()
		}
		for _, name := range want {
			if got[name] == 0 {
				return fmt.Errorf("they go to %v", got)
			}
		}
		if len(got) != len(want) {
			return fmt.Errorf("they go to %v", got)
		}
		return nil
	})
}

func TestServersDieAndComeBack(t *testing.T) {
	one, two, three := newServer(t, "one"), newServer(t, "two"), newServer(t, "three")
	address, _ := balanced(t, quick, one, two, three)
	serves(t, address, "one", "two", "three")
	one.stop()
	serves(t, address, "two", "three")
	two.stop()
	serves(t, address, "three")
	one.start()
	two.start()
	serves(t, address, "one", "two", "three")
}

// From the moment on in which a server is dead no connection is lost to it,
// before anybody has asked it how it is.
func TestNoConnectionIsLostToADeadServer(t *testing.T) {
	pace := quick
	pace.Ready = time.Hour
	one, two := newServer(t, "one"), newServer(t, "two")
	address, _ := balanced(t, pace, one, two)
	serves(t, address, "one", "two")
	one.stop()
	for range 10 {
		if c, err := dial(t, address); err != nil || c.server != "two" {
			t.Fatalf("a connection went to %+v, %v", c, err)
		}
	}
}

// Who says that it cannot serve gets none, as long as another one can; the
// connections that it has stay.
func TestUnreadyServer(t *testing.T) {
	one, two := newServer(t, "one"), newServer(t, "two")
	address, _ := balanced(t, quick, one, two)
	serves(t, address, "one", "two")
	var old *client
	await(t, "a connection to one", func() (err error) {
		if old, err = dial(t, address); err == nil && old.server != "one" {
			err = errors.New("it went to " + old.server)
		}
		return err
	})
	one.ready.Store(false)
	serves(t, address, "two")
	fmt.Fprintln(old, "still here")
	if word, err := old.word(); err != nil || word != "still here" {
		t.Errorf("%q, %v", word, err)
	}
	// Where none can, they are asked nevertheless: they say why in their own
	// words.
	two.ready.Store(false)
	serves(t, address, "one", "two")
}

func TestAllDead(t *testing.T) {
	one, two := newServer(t, "one"), newServer(t, "two")
	address, _ := balanced(t, quick, one, two)
	serves(t, address, "one", "two")
	one.stop()
	two.stop()
	for range 3 {
		if c, err := dial(t, address); err == nil {
			t.Errorf("a connection went to %s", c.server)
		}
	}
	two.start()
	serves(t, address, "two")
}

// A connection that comes when no server is ready yet waits for the first.
func TestConnectionWaitsForAServer(t *testing.T) {
	pace := quick
	pace.Hold = 30 * time.Second
	one := newServer(t, "one")
	one.ready.Store(false)
	address, _ := balanced(t, pace, one)
	got := make(chan string, 1)
	go func() {
		c, err := dial(t, address)
		got <- fmt.Sprint(c.server, " ", err)
	}()
	time.AfterFunc(100*time.Millisecond, func() { one.ready.Store(true) })
	start := time.Now()
	if answer := <-got; answer != "one <nil>" || time.Since(start) < 100*time.Millisecond {
		t.Errorf("%s after %s", answer, time.Since(start))
	}
}

// A server that is not ready for long loses its connections, and only it: one
// that says so, as where etcd does not answer it, and one that is silent, as where
// its machine is paused.
func TestServerThatIsNotReadyForLong(t *testing.T) {
	for name, strike := range map[string]func(*server){
		"it says so":   func(s *server) { s.ready.Store(false) },
		"it is silent": func(s *server) { s.silent.Store(true) },
	} {
		t.Run(name, func(t *testing.T) { losesConnections(t, strike) })
	}
}

func losesConnections(t *testing.T, strike func(*server)) {
	pace := quick
	pace.Patience = 200 * time.Millisecond
	one, two := newServer(t, "one"), newServer(t, "two")
	address, _ := balanced(t, pace, one, two)
	serves(t, address, "one", "two")
	clients := map[string]*client{}
	await(t, "a connection to each", func() error {
		c, err := dial(t, address)
		if err == nil {
			clients[c.server] = c
		}
		if len(clients) < 2 {
			return errors.Join(err, errors.New("to one only"))
		}
		return nil
	})
	strike(one)
	if word, err := clients["one"].word(); err == nil {
		t.Errorf("one says %q", word)
	}
	fmt.Fprintln(clients["two"], "still here")
	if word, err := clients["two"].word(); err != nil || word != "still here" {
		t.Errorf("two: %q, %v", word, err)
	}
}

// Where no server is any better connections stay where they are.
func TestConnectionsStayWhereNoServerIsReady(t *testing.T) {
	b := New([]Backend{{Name: "one"}, {Name: "two"}}, quick, zap.NewNop())
	near, far := net.Pipe()
	defer far.Close()
	one, two := b.backends[0], b.backends[1]
	one.pipes[newPipe(near, near)] = struct{}{}
	open := func() bool {
		_ = far.SetReadDeadline(time.Now().Add(time.Millisecond))
		_, err := far.Read(make([]byte, 1))
		return errors.Is(err, os.ErrDeadlineExceeded)
	}
	later := time.Now().Add(2 * quick.Patience)
	b.note(two, false, false, later)
	b.note(one, false, true, later)
	if !open() {
		t.Error("it was cut, with nowhere to go")
	}
	b.note(two, true, true, later)
	b.note(one, false, true, later)
	if open() {
		t.Error("it was not cut")
	}
}

// Each end may say its last word after the other one has.
func TestHalfClosed(t *testing.T) {
	one := newServer(t, "one")
	address, _ := balanced(t, quick, one)
	c, err := dial(t, address)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(c, "last word")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	var words []string
	for {
		word, err := c.word()
		if err != nil {
			break
		}
		words = append(words, word)
	}
	if !slices.Equal(words, []string{"last word", "bye"}) {
		t.Errorf("heard %q", words)
	}
}

// A balancer that is stopped leaves no connection, on either side.
func TestStop(t *testing.T) {
	one := newServer(t, "one")
	address, stop := balanced(t, quick, one)
	c, err := dial(t, address)
	if err != nil {
		t.Fatal(err)
	}
	ended := one.ended.Load()
	stop()
	if word, err := c.word(); err == nil {
		t.Errorf("it says %q", word)
	}
	await(t, "the server's side ends", func() error {
		if one.ended.Load() == ended {
			return errors.New("it has not")
		}
		return nil
	})
	if _, err := net.Dial("tcp4", address); err == nil {
		t.Error("it still listens")
	}
}
