package probe

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync/atomic"
	"testing"
	"time"
)

func TestSummarize(t *testing.T) {
	from := time.Now()
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	request := func(at, took int, fail string) Request {
		return Request{Sent: from.Add(ms(at)), Took: ms(took), Fail: fail}
	}
	got := Summarize(Settings{URL: "u", Interval: ms(50)}, []Request{
		request(-50, 10, "refused"), // before the fault
		request(0, 10, ""), request(50, 10, ""), request(150, 1, "refused"), request(100, 200, "timeout"),
		request(350, 1, "refused"), request(400, 20, ""), request(450, 30, ""),
	}, from, from.Add(ms(500)))
	first, last := ms(100), ms(350)
	want := Summary{
		URL: "u", Loop: Open, Interval: ms(50), Rate: 14, Sent: 7, Failed: 3, FailedShare: 3.0 / 7,
		Failures:     map[string]int{"refused": 2, "timeout": 1},
		FirstFailure: &first, LastFailure: &last, LongestGap: ms(360), Median: ms(15), P99: ms(30),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	none := Summarize(Settings{}, nil, from, from.Add(ms(500)))
	if none.LongestGap != ms(500) || none.FirstFailure != nil {
		t.Errorf("with no request at all: %+v", none)
	}
}

// TestProbeIsOpenLoop hangs a server: the probe goes on asking at its pace.
func TestProbeIsOpenLoop(t *testing.T) {
	var asked atomic.Int32
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		<-release
	}))
	defer server.Close()
	defer close(release)
	p := Start(t.Context(), Settings{URL: server.URL, Interval: time.Millisecond, Timeout: time.Minute})
	defer p.Stop()
	until(t, "20 requests are under way at once", func() bool { return asked.Load() >= 20 })
	if n := len(p.Requests()); n != 0 {
		t.Errorf("%d requests have ended, want none", n)
	}
}

// TestProbeInAClosedLoop: the next request waits for the answer of the last, and for
// the interval.
func TestProbeInAClosedLoop(t *testing.T) {
	var at, most atomic.Int32
	const takes, interval = 5 * time.Millisecond, 10 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		most.Store(max(most.Load(), at.Add(1)))
		defer at.Add(-1)
		<-time.After(takes)
	}))
	defer server.Close()
	p := Start(t.Context(), Settings{URL: server.URL, Loop: Closed, Interval: interval, Timeout: time.Minute})
	until(t, "10 answers", func() bool { return p.Streak(time.Time{}) >= 10 })
	p.Stop()
	if most.Load() != 1 {
		t.Errorf("%d requests were under way at once", most.Load())
	}
	all := p.Requests()
	for i, q := range all[1:] {
		if pause := q.Sent.Sub(all[i].Sent.Add(all[i].Took)); pause < interval {
			t.Errorf("request %d was sent %s after the answer before", i+1, pause)
		}
	}
}

// The report says what was asked for and what was reached.
func TestPace(t *testing.T) {
	for want, s := range map[string]Summary{
		"every 50ms, 19.5 of 20.0 a second":     {Loop: Open, Interval: 50 * time.Millisecond, Rate: 19.5},
		"50ms after each answer, 12.0 a second": {Loop: Closed, Interval: 50 * time.Millisecond, Rate: 12},
		"every 50ms":                            {Interval: 50 * time.Millisecond},
	} {
		if got := s.Pace(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestProbeCountsFailuresByKind(t *testing.T) {
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused.Close()
	resets := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	defer resets.Close()
	broken := httptest.NewServer(http.NotFoundHandler())
	defer broken.Close()
	release := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hangs.Close()
	defer close(release)

	for want, url := range map[string]string{
		"refused": "http://" + refused.Addr().String(), "reset": resets.URL,
		"HTTP status 404": broken.URL, "timeout": hangs.URL,
	} {
		p := Start(t.Context(), Settings{URL: url, Interval: 5 * time.Millisecond, Timeout: 50 * time.Millisecond})
		until(t, want, func() bool { return len(p.Requests()) >= 3 })
		p.Stop()
		if got := p.LastFailure(); got != want || p.Streak(time.Time{}) != 0 {
			t.Errorf("failure %q, streak %d, want %q", got, p.Streak(time.Time{}), want)
		}
	}
}

func TestProbeTellsAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "pong") }))
	defer server.Close()
	answers := make(chan string, 1000)
	p := Start(t.Context(), Settings{URL: server.URL, Interval: time.Millisecond, Answered: func(body string) {
		select {
		case answers <- body:
		default:
		}
	}})
	defer p.Stop()
	if got := <-answers; got != "pong" {
		t.Errorf("answer %q", got)
	}
	until(t, "a streak", func() bool { return p.Streak(time.Time{}) >= 3 })
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited for: %s", what)
		case <-tick.C:
		}
	}
}

func TestMedian(t *testing.T) {
	for want, sorted := range map[time.Duration][]time.Duration{
		7: {7},
		6: {4, 8},
		5: {1, 5, 80},
		3: {1, 2, 4, 80},
	} {
		if got := Median(sorted); got != want {
			t.Errorf("of %v: %v", sorted, got)
		}
	}
}

// Answers to what was asked before an instant say nothing of what came after it.
func TestStreakSinceAnInstant(t *testing.T) {
	at := func(sent, took int, fail string) Request {
		return Request{Sent: time.Unix(int64(sent), 0), Took: time.Duration(took) * time.Second, Fail: fail}
	}
	p := &Probe{requests: []Request{at(1, 0, "refused"), at(2, 0, ""), at(3, 0, ""), at(5, 0, ""), at(4, 2, ""), at(7, 0, "")}} // as they ended
	for since, want := range map[int64]int{0: 5, 3: 4, 5: 2, 6: 1, 8: 0} {
		if got := p.Streak(time.Unix(since, 0)); got != want {
			t.Errorf("since %d: %d, want %d", since, got, want)
		}
	}
}
