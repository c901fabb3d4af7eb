package serve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// Endpoint answers for a daemon: /metrics, and /healthz and /readyz.
type Endpoint struct {
	// Address is host:port. Only loopback goes without a token.
	Address string
	// Token must be in the header Authorization, as Bearer, of whoever asks
	// for the metrics; empty: anybody may, which Listen allows on loopback
	// only. The other two say nothing but yes or no, to anybody.
	Token string
	// HealthOnly: where a token is needed and there is none, the metrics are
	// given to nobody, instead of it being an error.
	HealthOnly bool

	Metrics *Metrics
	Ready   func() error
	Log     *zap.Logger

	closed bool // the metrics are
}

// Listen takes the address.
func (e *Endpoint) Listen(ctx context.Context) (net.Listener, error) {
	host, _, err := net.SplitHostPort(e.Address)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w; give host:port, such as 127.0.0.1:9797", e.Address, err)
	}
	ip := net.ParseIP(host)
	open := e.Token == "" && host != "localhost" && (ip == nil || !ip.IsLoopback())
	if e.closed = open && e.HealthOnly; open && !e.closed {
		return nil, fmt.Errorf("%s is not on this host's loopback, so a token is needed; write one to a file and give --token-file", e.Address)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", e.Address)
	if err != nil {
		return nil, fmt.Errorf("%w; give another address with --listen", err)
	}
	return listener, nil
}

// Serve answers until ctx ends.
func (e *Endpoint) Serve(ctx context.Context, listener net.Listener) error {
	const patience = 10 * time.Second
	server := &http.Server{Handler: e.handler(), ReadHeaderTimeout: patience, IdleTimeout: time.Minute, ErrorLog: zap.NewStdLog(e.Log)}
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		server.Shutdown(ctx) //nolint:errcheck // what has not been answered by then is not
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		e.Log.Error("nobody answers for metrics and health any more", zap.Error(err))
		return err
	}
	return nil
}

func (e *Endpoint) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := e.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", e.guard(promhttp.HandlerFor(e.Metrics.registry, promhttp.HandlerOpts{Registry: e.Metrics.registry})))
	return mux
}

// guard lets those in who know the token.
func (e *Endpoint) guard(next http.Handler) http.Handler {
	want := sha256.Sum256([]byte("Bearer " + e.Token)) // of one length, whatever is sent
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.closed {
			http.Error(w, "the metrics are given to nobody: no token is set", http.StatusForbidden)
			return
		}
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if e.Token != "" && subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the token is missing or wrong", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
