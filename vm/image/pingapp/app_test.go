package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func ask(t *testing.T, a *app, method, target string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w.Code, w.Body.String()
}

func TestGreeting(t *testing.T) {
	t.Setenv("POD_NAME", "ping-1")
	a := newApp()
	if _, body := ask(t, a, "GET", "/"); body != "pong\nping-1 dev\n" {
		t.Errorf("default answer is %q", body)
	}
	t.Setenv("GREETING", "hello")
	if _, body := ask(t, a, "GET", "/"); !strings.HasPrefix(body, "hello\n") {
		t.Errorf("with GREETING the answer is %q", body)
	}
	file := filepath.Join(t.TempDir(), "greeting")
	t.Setenv("GREETING_FILE", file)
	if code, _ := ask(t, a, "GET", "/"); code != http.StatusInternalServerError {
		t.Errorf("a missing GREETING_FILE gives status %d", code)
	}
	for _, text := range []string{"hola", "hallo"} { // read anew at each request
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, body := ask(t, a, "GET", "/"); !strings.HasPrefix(body, text+"\n") {
			t.Errorf("with %q in GREETING_FILE the answer is %q", text, body)
		}
	}
}

func TestHealthCanBeBroken(t *testing.T) {
	a := newApp()
	for _, step := range []struct {
		method, target string
		code           int
	}{
		{"GET", "/healthz", 200},
		{"POST", "/healthz?ok=perhaps", 400},
		{"POST", "/healthz?ok=false", 200},
		{"GET", "/healthz", 503},
		{"POST", "/healthz?ok=true", 200},
		{"GET", "/healthz", 200},
	} {
		if code, body := ask(t, a, step.method, step.target); code != step.code {
			t.Errorf("%s %s: status %d, want %d: %s", step.method, step.target, code, step.code, body)
		}
	}
}

func TestEnv(t *testing.T) {
	t.Setenv("COLOUR", "a=b")
	_, body := ask(t, newApp(), "GET", "/env")
	var env map[string]string
	if err := json.Unmarshal([]byte(body), &env); err != nil || env["COLOUR"] != "a=b" {
		t.Errorf("COLOUR is %q, error %v", env["COLOUR"], err)
	}
}

func TestFillIsBounded(t *testing.T) {
	a := newApp()
	a.fillDir = t.TempDir()
	for target, want := range map[string]int{
		"/fill?mib=0":                400,
		"/fill?mib=1025":             400,
		"/fill?mib=9999999999999999": 400,
		"/fill?mib=1&where=moon":     400,
		"/fill?mib=1":                200,
		"/fill?mib=1&where=disk":     200,
		"/slow?ms=0":                 405, // POST to a GET path
	} {
		if code, body := ask(t, a, "POST", target); code != want {
			t.Errorf("%s: status %d, want %d: %s", target, code, want, body)
		}
	}
	if a.mib != 2 {
		t.Errorf("%d MiB are counted, want 2", a.mib)
	}
	if code, _ := ask(t, a, "POST", "/fill?mib=1023"); code != 400 {
		t.Error("the sum of two fills passes the bound")
	}
}

func TestCrash(t *testing.T) {
	a, code := newApp(), 0
	a.exit = func(c int) { code = c }
	ask(t, a, "POST", "/crash")
	if code != 1 {
		t.Errorf("exit status %d", code)
	}
}

// A request that is in flight when SIGTERM comes is answered; a new one is
// refused.
func TestServeDrains(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "answered")
	})
	ctx, term := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, handler) }()

	answer := make(chan string, 1)
	url := "http://" + listener.Addr().String()
	go func() {
		resp, err := http.Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	<-entered
	term()
	for { // until the listener is closed
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
	}
	close(release)
	if got := <-answer; got != "answered" {
		t.Errorf("the request in flight got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
