package libvirt

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"libvirt.org/go/libvirt"
)

// restarting is the libvirt of a host, whose daemon ends and begins. Behind it are
// connections to libvirt's own test driver.
type restarting struct {
	*connection
	refuses int // times, before it can be connected to
	ended   bool
	made    int
}

var errEnded = errors.New("End of file while reading data")

func newRestarting(t *testing.T, uri string) *restarting {
	t.Helper()
	r := &restarting{connection: newConnection(uri)}
	r.patience = time.Minute
	r.connect = func() (*libvirt.Connect, error) {
		if r.refuses > 0 {
			r.refuses--
			return nil, errors.New("Connection refused")
		}
		r.made++
		r.ended = false
		startEvents()
		return libvirt.NewConnect("test:///default")
	}
	r.alive = func(*libvirt.Connect) bool { return !r.ended }
	t.Cleanup(func() { r.Close() })
	return r
}

// endsAt is a call in the midst of which the daemon ends, the first so many times.
func (r *restarting) endsAt(times int, called *int) func(*libvirt.Connect) error {
	return func(conn *libvirt.Connect) error {
		if *called++; *called <= times {
			r.ended, r.refuses = true, 2
			return errEnded
		}
		_, err := conn.GetURI()
		return err
	}
}

// FAULTS.md 13: libvirtd begins anew, and the run goes on. What may be done twice is;
// of the rest it is said that nobody knows.
func TestDaemonThatBeginsAnew(t *testing.T) {
	for _, test := range []struct {
		name   string
		uri    string
		do     func(*restarting) func(func(*libvirt.Connect) error) error
		ends   int // times
		called int
		lost   bool
	}{
		{"a look", "qemu:///system", func(r *restarting) func(func(*libvirt.Connect) error) error { return r.again }, 1, 2, false},
		{"a look, and it ends again", "qemu:///system", func(r *restarting) func(func(*libvirt.Connect) error) error { return r.again }, 2, 2, true},
		{"what is done once", "qemu:///system", func(r *restarting) func(func(*libvirt.Connect) error) error { return r.do }, 1, 1, true},
		{"a look at another host", "qemu+ssh://far/system", func(r *restarting) func(func(*libvirt.Connect) error) error { return r.again }, 1, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRestarting(t, test.uri)
			called := 0
			err := test.do(r)(r.endsAt(test.ends, &called))
			if errors.Is(err, errLost) != test.lost || errors.Is(err, errEnded) != test.lost || err != nil != test.lost || called != test.called {
				t.Errorf("called %d times, error %v", called, err)
			}
		})
	}
}

// The next call after it waits until it is there. Where it never was nothing is waited
// for, and what does not come back is waited for once.
func TestDaemonIsWaitedFor(t *testing.T) {
	r := newRestarting(t, "qemu:///system")
	uri := func(conn *libvirt.Connect) error { _, err := conn.GetURI(); return err }
	r.refuses = 1
	if err := r.do(uri); err == nil {
		t.Error("it was waited for, and was never there")
	}
	if err := r.do(uri); err != nil {
		t.Error(err)
	}
	r.ended, r.refuses = true, 3
	if err := r.do(uri); err != nil || r.refuses != 0 || r.made != 2 {
		t.Errorf("%d connections, %v", r.made, err)
	}
	r.patience = time.Nanosecond
	r.ended, r.refuses = true, 1<<30
	if err := r.do(uri); err == nil {
		t.Error("it is not there")
	}
	left := r.refuses
	r.patience = time.Minute
	if err := r.do(uri); err == nil || left-r.refuses != 1 {
		t.Errorf("it was tried %d times again, %v", left-r.refuses, err)
	}

	far := newRestarting(t, "qemu+ssh://far/system")
	if err := far.do(uri); err != nil {
		t.Error(err)
	}
	far.ended, far.refuses = true, 1
	if err := far.do(uri); err == nil {
		t.Error("another host was waited for")
	}
}

// A reference outlives the one that finds the connection dead, and the library's own
// errors of the way are known for what they are.
func TestReferences(t *testing.T) {
	r := newRestarting(t, "qemu:///system")
	first, err := r.open()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close() //nolint:errcheck // only a reference
	r.ended = true
	second, err := r.open()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close() //nolint:errcheck // only a reference
	for _, conn := range []*libvirt.Connect{first, second} {
		if _, err := conn.GetURI(); err != nil {
			t.Error(err)
		}
	}
	err = r.do(func(*libvirt.Connect) error {
		return libvirt.Error{Code: libvirt.ERR_INTERNAL_ERROR, Domain: libvirt.FROM_RPC, Message: "client socket is closed"}
	})
	if !errors.Is(err, errLost) {
		t.Error(err)
	}
}

// What a domain is asked for twice is as asked, and said to be so.
func TestDomainIsAskedAgain(t *testing.T) {
	r := newRestarting(t, "qemu:///system")
	const uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f" // of libvirt's test driver
	var states []libvirt.DomainState
	for _, do := range []func() error{
		func() error { return r.Resume(uuid) }, func() error { return r.Pause(uuid) },
		func() error { return r.Resume(uuid) }, func() error { return r.Resume(uuid) },
		func() error { return r.Destroy(uuid) }, func() error { return r.Destroy(uuid) },
		func() error { return r.Start(uuid) }, func() error { return r.Start(uuid) },
	} {
		if err := do(); err != nil {
			t.Error(err)
		}
		err := r.with(uuid, func(dom *libvirt.Domain) error {
			state, _, err := dom.GetState()
			states = append(states, state)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	const on, off, paused = libvirt.DOMAIN_RUNNING, libvirt.DOMAIN_SHUTOFF, libvirt.DOMAIN_PAUSED
	if want := []libvirt.DomainState{on, paused, on, on, off, off, on, on}; !slices.Equal(states, want) {
		t.Errorf("%v, want %v", states, want)
	}
}

// A guest goes on while libvirt is away, and so does what was asked of it: what runs
// there is heard of, clocks are set, agents are waited for.
func TestAgentsWhileTheDaemonBeginsAnew(t *testing.T) {
	w, d, _ := running(t)
	c := w.load("c")
	g := &guest{out: "pong\n", polls: 1}
	var errs []error
	w.fake.answer = func(uuid, command string, arguments map[string]any) (any, error) {
		if command != "guest-exec" && len(errs) > 0 {
			err := errs[0]
			errs = errs[1:]
			return nil, err
		}
		return g.answer(uuid, command, arguments)
	}
	errs = []error{fmt.Errorf("%w: %w", errLost, errEnded), errAgentSilent, errAgentSilent}
	if out, err := d.Exec(t.Context(), c, "cp-1", "/bin/ping", "x"); out != "pong\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	errs = []error{errAgentSilent}
	if _, err := d.Exec(t.Context(), c, "cp-1", "/bin/ping", "x"); !errors.Is(err, errAgentSilent) {
		t.Errorf("of an agent that says no more: %v", err)
	}
	errs = []error{errLost}
	if err := d.awaitAgent(t.Context(), c, &c.Machines[0]); err != nil || len(errs) > 0 {
		t.Errorf("%v, left %v", err, errs)
	}
}
