package serve

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"axolotl/chaos"
	"axolotl/chaos/timeline"
)

func ask(e *Endpoint, path, authorization string) (int, string) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	e.handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestMetrics(t *testing.T) {
	m := NewMetrics()
	healed := 1500 * time.Millisecond
	m.ran(&chaos.Report{Experiment: "e", Cluster: "c", Verdict: chaos.Healed, HealedAfter: &healed, Recovered: chaos.Recovered{Pods: []timeline.Recovery{{
		Phases: []timeline.Phase{{Name: "noticed", Known: true, To: 200 * time.Millisecond}, {Name: "replaced"}},
	}}, Nodes: []timeline.NodeRecovery{{
		Phases: []timeline.Phase{{Name: "ready", Known: true, To: 3 * time.Second}},
	}}}})
	m.ran(&chaos.Report{Experiment: "e", Cluster: "c", Verdict: chaos.UndoFailed})
	m.restored("c", 3*time.Second, nil)
	m.restored("c", time.Second, errors.New("no"))
	m.firing("s", "missed", 3)
	_, text := ask(&Endpoint{Metrics: m}, "/metrics", "")
	for _, want := range []string{
		`axolotl_heal_seconds_bucket{experiment="e",phase="total",le="2"} 1`,
		`axolotl_heal_seconds_bucket{experiment="e",phase="total",le="1"} 0`,
		`axolotl_heal_seconds_bucket{experiment="e",phase="noticed",le="0.25"} 1`,
		`axolotl_heal_seconds_bucket{experiment="e",phase="node ready",le="4"} 1`,
		`axolotl_runs_total{cluster="c",experiment="e",verdict="healed"} 1`,
		`axolotl_undo_failures_total{cluster="c"} 1`,
		`axolotl_restore_seconds_sum{cluster="c"} 3`,
		`axolotl_recreations_total{cluster="c",result="failed"} 1`,
		`axolotl_firings_total{outcome="missed",schedule="s"} 3`,
		`go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(text, `phase="replaced"`) {
		t.Error("a phase that nobody saw is counted")
	}
}

func TestHealthAndToken(t *testing.T) {
	var notReady error
	e := &Endpoint{Token: "secret", Metrics: NewMetrics(), Ready: func() error { return notReady }}
	for _, test := range []struct {
		path, authorization string
		ready               error
		want                int
	}{
		{"/healthz", "", nil, 200},
		{"/readyz", "", nil, 200},
		{"/readyz", "", errors.New("undoing"), 503},
		{"/metrics", "", nil, 401},
		{"/metrics", "Bearer wrong", nil, 401},
		{"/metrics", "secret", nil, 401},
		{"/metrics", "Bearer secret", nil, 200},
		{"/", "Bearer secret", nil, 404},
	} {
		notReady = test.ready
		if code, _ := ask(e, test.path, test.authorization); code != test.want {
			t.Errorf("%s with %q: %d, want %d", test.path, test.authorization, code, test.want)
		}
	}
}

func TestListen(t *testing.T) {
	for address, want := range map[string]string{
		"0.0.0.0:0": "a token is needed", ":0": "a token is needed", "example.org:0": "a token is needed",
		"127.0.0.1": "give host:port", "127.0.0.1:0": "", "[::1]:0": "", "localhost:0": "",
	} {
		listener, err := (&Endpoint{Address: address, Log: zap.NewNop()}).Listen(t.Context())
		if listener != nil {
			listener.Close()
		}
		if want == "" && err != nil && !strings.Contains(address, ":1") { // a host may have no IPv6
			t.Errorf("%s: %v", address, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

// TestShipped: the alert rules and the dashboard speak of metrics that there
// are, with labels that these have. Package rules reads their expressions.
func TestShipped(t *testing.T) {
	m := NewMetrics()
	healed := time.Second
	m.ran(&chaos.Report{Verdict: chaos.UndoFailed, HealedAfter: &healed})
	m.firing("", "", 1)
	m.restored("", 0, nil)
	m.busy("", true)
	m.kept.WithLabelValues("")
	m.next.WithLabelValues("")
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string][]string{}
	for _, f := range families {
		for _, label := range f.Metric[0].Label {
			ours[f.GetName()] = append(ours[f.GetName()], label.GetName())
		}
		ours[f.GetName()] = append(ours[f.GetName()], "le")
	}
	for name, text := range map[string]string{"alerts": Alerts, "dashboard": Dashboard} {
		used := regexp.MustCompile(`(axolotl_\w+?)(?:_bucket|_sum|_count)?(?:\{(\w+)\W+"|\b[^\w{])`).FindAllStringSubmatch(text, -1)
		if len(used) < 5 {
			t.Errorf("%s: only %v", name, used)
		}
		for _, u := range used {
			labels, ok := ours[u[1]]
			if !ok || u[2] != "" && !slices.Contains(labels, u[2]) {
				t.Errorf("%s: there is no metric %s with label %q", name, u[1], u[2])
			}
		}
	}
}

// In a pod the probes come from outside: health without a token, the metrics to
// nobody until there is one.
func TestHealthOnly(t *testing.T) {
	e := &Endpoint{Address: "0.0.0.0:0", HealthOnly: true, Metrics: NewMetrics(), Ready: func() error { return nil }}
	listener, err := e.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if code, _ := ask(e, "/healthz", ""); code != http.StatusOK {
		t.Errorf("health: %d", code)
	}
	if code, body := ask(e, "/metrics", "Bearer "); code != http.StatusForbidden || !strings.Contains(body, "no token") {
		t.Errorf("metrics: %d %s", code, body)
	}
	e.Token = "secret"
	if listener, err = e.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if code, _ := ask(e, "/metrics", "Bearer secret"); code != http.StatusOK {
		t.Errorf("metrics with the token: %d", code)
	}
}
