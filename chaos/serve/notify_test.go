package serve

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	clocktest "k8s.io/utils/clock/testing"

	"axolotl/chaos/schedule"
)

// received is one request that a receiver was sent.
type received struct {
	header http.Header
	body   string
}

// receiver answers with these codes, the last one for ever.
func receiver(t *testing.T, codes ...int) (string, <-chan received) {
	t.Helper()
	got := make(chan received, 100)
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(codes[min(n, len(codes)-1)])
		n++
		got <- received{r.Header, string(body)}
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// notifying is a notifier that delivers until the test ends.
func notifying(t *testing.T) (*Notifier, *clocktest.FakeClock, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	clock := clocktest.NewFakeClock(t0)
	n := NewNotifier(clock, zap.New(core), NewMetrics())
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { n.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return n, clock, logs
}

var told = Message{Event: "not-healed", Schedule: "s", Cluster: "c", Run: "r-1", Text: "pod <x> & co", Firings: 1, Due: t0}

// TestWebhook: what is sent can be proved by who has the key, and is tried
// again until it is taken, as the same delivery.
func TestWebhook(t *testing.T) {
	n, clock, _ := notifying(t)
	url, got := receiver(t, 503, 500, 200)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("whsec_"+base64.StdEncoding.EncodeToString([]byte("salamander"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.Tell([]schedule.Notify{{Webhook: url, SecretFile: key}}, told)
	id := ""
	for try := range 3 {
		var r received
		for taken := false; !taken; {
			select {
			case r = <-got:
				taken = true
			default:
				if clock.HasWaiters() {
					clock.Step(time.Second)
				}
			}
		}
		if try > 0 && r.header.Get("Webhook-Id") != id {
			t.Errorf("try %d has another ID", try)
		}
		id = r.header.Get("Webhook-Id")
		mac := hmac.New(sha256.New, []byte("salamander"))
		mac.Write([]byte(id + "." + r.header.Get("Webhook-Timestamp") + "." + r.body))
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.header.Get("Webhook-Signature") != want {
			t.Errorf("signed %s, want %s", r.header.Get("Webhook-Signature"), want)
		}
		var m Message
		if err := json.Unmarshal([]byte(r.body), &m); err != nil || m.Event != "not-healed" || m.Run != "r-1" {
			t.Errorf("%v: %s", err, r.body)
		}
	}
	if clock.Since(t0) < 3*time.Second {
		t.Errorf("three tries within %s", clock.Since(t0))
	}
}

func TestSlack(t *testing.T) {
	n, _, _ := notifying(t)
	url, got := receiver(t, 200)
	n.Tell([]schedule.Notify{{Slack: url}}, told)
	if r := <-got; r.body != `{"text":"*s* pod \u0026lt;x\u0026gt; \u0026amp; co (run r-1)"}` {
		t.Errorf("%s", r.body)
	}
}

func TestCommand(t *testing.T) {
	n, _, _ := notifying(t)
	pipe := filepath.Join(t.TempDir(), "got")
	n.Tell([]schedule.Notify{{Command: []string{"/bin/sh", "-c", `cat >"$1.part" && mv "$1.part" "$1"`, "sh", pipe}}}, told)
	for {
		data, err := os.ReadFile(pipe)
		if err == nil {
			if !strings.Contains(string(data), `"event":"not-healed"`) {
				t.Errorf("%s", data)
			}
			return
		}
	}
}

// What a receiver refuses is not tried again, and its address, which may be a
// secret, stands in no log.
func TestRefusedAndUnreachable(t *testing.T) {
	n, clock, logs := notifying(t)
	refusing, got := receiver(t, 404)
	n.Tell([]schedule.Notify{{Webhook: refusing + "/secret"}, {Slack: "http://127.0.0.1:1/secret"}}, told)
	<-got
	for testutil.ToFloat64(n.Metrics.lost) < 2 {
		if clock.HasWaiters() {
			clock.Step(5 * time.Minute)
		}
	}
	if len(got) > 0 {
		t.Errorf("tried %d times more after it was refused", len(got))
	}
	for _, entry := range logs.All() {
		if text := entry.ContextMap()["error"].(string); strings.Contains(text, "secret") {
			t.Errorf("the log tells %s", text)
		}
	}
}

// Nothing waits for receivers that do not answer.
func TestTellNeverWaits(t *testing.T) {
	n := NewNotifier(clocktest.NewFakeClock(t0), zap.NewNop(), NewMetrics()) // and nobody runs it
	for range queued + 5 {
		n.Tell([]schedule.Notify{{Slack: "http://127.0.0.1:1"}}, told)
	}
	if lost := testutil.ToFloat64(n.Metrics.lost); lost != 5 {
		t.Errorf("%g lost", lost)
	}
}

func TestWants(t *testing.T) {
	for _, test := range []struct {
		on    []schedule.Event
		event schedule.Event
		want  bool
	}{
		{nil, "healed", false}, {nil, "skipped-firing", false}, {nil, "not-healed", true}, {nil, "missed", true}, {nil, "failed", true},
		{[]schedule.Event{"healed"}, "healed", true}, {[]schedule.Event{"healed"}, "not-healed", false},
	} {
		if got := wants(schedule.Notify{On: test.on}, test.event); got != test.want {
			t.Errorf("%v wants %s: %t", test.on, test.event, got)
		}
	}
}

// A receiver that is away for some minutes is told when it is back.
func TestTriesTakeNineMinutes(t *testing.T) {
	var all time.Duration
	for pauses := tries; pauses.Steps > 1; { // as deliver goes on
		all += pauses.Step()
	}
	if all < 9*time.Minute || all > 10*time.Minute {
		t.Errorf("it is given up after %s", all)
	}
}
