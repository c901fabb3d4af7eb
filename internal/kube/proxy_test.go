package kube

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// TestProxyGet plays an API server whose proxy hands on what apps answer.
func TestProxyGet(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RequestURI()
		switch {
		case strings.Contains(asked, "/gone"):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","message":"no endpoints available"}`)
		case strings.Contains(asked, "/moved"):
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusFound)
		case strings.Contains(asked, "/broken"):
			http.Error(w, "app is broken", http.StatusServiceUnavailable)
		case strings.Contains(asked, "/big"):
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		default:
			_, _ = io.WriteString(w, "pong")
		}
	}))
	defer server.Close()
	client, err := New(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (*Answer, error) {
		return client.ProxyGet(context.Background(), "ns", "services", "web", 80, path)
	}

	if answer, err := get("/a/b?c=d"); err != nil || answer.Status != 200 || answer.Body != "pong" {
		t.Errorf("got %+v, %v", answer, err)
	}
	if want := "/api/v1/namespaces/ns/services/web:80/proxy/a/b?c=d"; asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
	var unreachable *UnreachableError
	if _, err := get("/gone"); !errors.As(err, &unreachable) || unreachable.Message != "no endpoints available" {
		t.Errorf("gone: %v", err)
	}
	if answer, err := get("/broken"); err != nil || answer.Status != 503 {
		t.Errorf("an app's own 503: %+v, %v", answer, err)
	}
	if answer, err := get("/moved"); err != nil || answer.Status != 302 {
		t.Errorf("a redirect is to be told, not followed: %+v, %v", answer, err)
	}
	if answer, err := get("/big"); err != nil || len(answer.Body) != 64<<10 {
		t.Errorf("a big answer: %v", err)
	}
	server.Close()
	if _, err := get("/"); err == nil || errors.As(err, &unreachable) {
		t.Errorf("no API server: %v", err)
	}
}
