package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds on what a request may ask for, so that a slip of the finger does not
// take the node along.
const (
	maxSlow    = 60 * time.Second
	maxFillMiB = 1024
)

// app is the web server's state.
type app struct {
	*http.ServeMux
	unhealthy atomic.Bool
	exit      func(code int)
	fillDir   string

	mu     sync.Mutex
	filled [][]byte // memory taken by /fill, kept until the process ends
	mib    int      // how much /fill has taken, memory and disk together
}

func newApp() *app {
	a := &app{ServeMux: http.NewServeMux(), exit: os.Exit, fillDir: os.TempDir()}
	a.HandleFunc("GET /{$}", a.greet)
	a.HandleFunc("GET /version", a.version)
	a.HandleFunc("GET /env", a.env)
	a.HandleFunc("GET /healthz", a.health)
	a.HandleFunc("POST /healthz", a.setHealth)
	a.HandleFunc("GET /slow", a.slow)
	a.HandleFunc("POST /crash", a.crash)
	a.HandleFunc("POST /fill", a.fill)
	return a
}

// greet answers "GREETING\nPOD VERSION\n".
func (a *app) greet(w http.ResponseWriter, _ *http.Request) {
	greeting, err := greeting()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%s\n%s %s\n", greeting, podName(), version)
}

func greeting() (string, error) {
	if path := os.Getenv("GREETING_FILE"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("GREETING_FILE: %w; mount the ConfigMap there", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	if text := os.Getenv("GREETING"); text != "" {
		return text, nil
	}
	return "pong", nil
}

func (a *app) version(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, version) }

// env answers the environment as a JSON object.
func (a *app) env(w http.ResponseWriter, _ *http.Request) {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(env); err != nil {
		log.Printf("answer /env: %v", err)
	}
}

func (a *app) health(w http.ResponseWriter, _ *http.Request) {
	if a.unhealthy.Load() {
		http.Error(w, "unhealthy: POST /healthz?ok=true mends it", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// setHealth makes /healthz fail (?ok=false) or answer again (?ok=true).
func (a *app) setHealth(w http.ResponseWriter, r *http.Request) {
	ok, err := strconv.ParseBool(r.FormValue("ok"))
	if err != nil {
		http.Error(w, "say ?ok=true or ?ok=false", http.StatusBadRequest)
		return
	}
	a.unhealthy.Store(!ok)
	fmt.Fprintf(w, "healthy: %t\n", ok)
}

// slow answers after ?ms= milliseconds.
func (a *app) slow(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.Atoi(r.FormValue("ms"))
	wait := time.Duration(ms) * time.Millisecond
	if err != nil || ms < 0 || wait > maxSlow {
		http.Error(w, fmt.Sprintf("say ?ms= with 0 to %d", maxSlow.Milliseconds()), http.StatusBadRequest)
		return
	}
	select {
	case <-time.After(wait):
		fmt.Fprintf(w, "waited %s\n", wait)
	case <-r.Context().Done():
	}
}

// crash ends the process at once, with the request unanswered.
func (a *app) crash(http.ResponseWriter, *http.Request) {
	log.Print("asked to crash: exiting with status 1")
	a.exit(1)
}
