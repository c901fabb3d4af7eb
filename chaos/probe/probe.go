// Package probe plays the client: it asks a service for an answer over and
// over while a fault is on, and tells what a user of it would have felt.
//
// Its path does not pass the API server, so that it goes on when that is the
// thing that is broken.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"axolotl/internal/bug"
)

// Loop is what the next request waits for.
type Loop string

// The loops.
const (
	// Open: requests are sent at one pace whatever becomes of those before. A
	// service that hangs does not slow its client down and so hide how long it hung.
	Open Loop = "open"
	// Closed: the next one is sent when the last one was answered, or has failed, and
	// the interval has passed since: one client that waits its turn.
	Closed Loop = "closed"
)

// Values are the loops, for the schema of experiment files.
func (Loop) Values() []string { return []string{string(Open), string(Closed)} }

// Settings of a probe.
type Settings struct {
	URL string

	Loop Loop // empty: Open

	// Interval is from one request to the next, or in a closed loop from an answer
	// to the next request.
	Interval time.Duration

	// Timeout of one request.
	Timeout time.Duration

	// Answered is told of each good answer as it arrives, with the first
	// KiB of its body.
	Answered func(body string)
}

// Defaults of Settings. At 50 ms an outage is known to a twentieth of a
// second, and the probe takes little of an emulated guest.
const (
	DefaultInterval = 50 * time.Millisecond
	DefaultTimeout  = time.Second
)

// Request is one request that was answered or failed.
type Request struct {
	Sent time.Time
	Took time.Duration
	Fail string // why it failed, in a word or two; empty: a good answer
}

// Probe sends requests until it is stopped.
type Probe struct {
	settings Settings
	client   *http.Client
	stop     context.CancelFunc
	done     sync.WaitGroup

	mu       sync.Mutex
	requests []Request
	broken   error
}

// Start starts a probe. Each request has a connection of its own, since each
// connection is what a service's load balancing decides upon.
func Start(ctx context.Context, s Settings) *Probe {
	if s.Interval <= 0 {
		s.Interval = DefaultInterval
	}
	if s.Loop == "" {
		s.Loop = Open
	}
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	ctx, stop := context.WithCancel(ctx)
	p := &Probe{settings: s, stop: stop, client: &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext},
		Timeout:   s.Timeout,
		// NOTE: a redirect would lead away from the thing that is probed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if s.Loop == Closed {
		p.done.Go(func() { p.takeTurns(ctx) })
	} else {
		p.done.Go(func() { p.pace(ctx) })
	}
	return p
}

// Err is not nil where a request has ended by a bug of ours, or of who is told of
// the answers.
func (p *Probe) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}

// Stop ends the probe. Requests under way are given up and not counted.
func (p *Probe) Stop() {
	p.stop()
	p.done.Wait()
}

// Requests returns what was asked so far, in the order in which it ended.
func (p *Probe) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.requests...)
}

// Streak is the number of good answers since the last failure, of requests that were
// sent at an instant or after it.
func (p *Probe) Streak(since time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	good := 0
	for _, r := range slices.Backward(p.requests) {
		if r.Fail != "" || r.Sent.Add(r.Took).Before(since) { // and so are those before it
			break
		}
		if !r.Sent.Before(since) {
			good++
		}
	}
	return good
}

// LastFailure is why the latest failed request failed; empty for none.
func (p *Probe) LastFailure() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.requests) - 1; i >= 0; i-- {
		if p.requests[i].Fail != "" {
			return p.requests[i].Fail
		}
	}
	return ""
}

// pace asks in an open loop.
func (p *Probe) pace(ctx context.Context) {
	tick := time.NewTicker(p.settings.Interval)
	defer tick.Stop()
	for {
		p.done.Go(func() { p.guarded(ctx) })
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// takeTurns asks in a closed loop.
func (p *Probe) takeTurns(ctx context.Context) {
	for ctx.Err() == nil {
		p.guarded(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(p.settings.Interval):
		}
	}
}

// guarded asks, and keeps a panic from ending the process.
func (p *Probe) guarded(ctx context.Context) {
	defer func() {
		if err := bug.Error(recover()); err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.broken = err
		}
	}()
	p.ask(ctx)
}

func (p *Probe) ask(ctx context.Context) {
	sent := time.Now()
	body, err := p.get(ctx)
	if ctx.Err() != nil {
		return
	}
	r := Request{Sent: sent, Took: time.Since(sent)}
	if err != nil {
		r.Fail = kind(err)
	} else if p.settings.Answered != nil {
		p.settings.Answered(body)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r)
}

// statusError is an answer that is not a good one.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("HTTP status %d", int(e)) }

func (p *Probe) get(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.settings.URL, nil)
	if err != nil {
		return "", err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1024))
	if err != nil {
		return "", err
	}
	if response.StatusCode/100 != 2 {
		return "", statusError(response.StatusCode)
	}
	return string(body), nil
}

// kind puts an error in the words by which failures are counted.
func kind(err error) string {
	var status statusError
	var timeout net.Error
	switch {
	case errors.As(err, &status):
		return status.Error()
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	}
	return "other"
}
