package existing_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/existing"
)

// theirs is somebody's cluster: as much of an API server as is read, which
// wants a token and notes who asked for what.
type theirs struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	ready    string // whether the node is
}

const token = "token-of-a-program"

func newTheirs(t *testing.T) *theirs {
	s := &theirs{ready: "True"}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *theirs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+token:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/readyz":
		fmt.Fprint(w, "ok")
	case r.URL.Path == "/api/v1/nodes":
		fmt.Fprintf(w, `{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[
{"metadata":{"name":"ip-10-0-0-7"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.7"}],
"conditions":[{"type":"Ready","status":%q,"message":"it rests"}]}}]}`, s.ready)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// kubeconfig writes a kubeconfig that leads to a server by a program's token,
// in a context that has the very name that one of ours would have.
func (s *theirs) kubeconfig(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "get-token")
	script := fmt.Sprintf("#!/bin/sh\necho asked >> %q\n"+
		`echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'`+"\n", program+".log", token)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	path := filepath.Join(dir, "config")
	text := fmt.Sprintf(`# mine
apiVersion: v1
kind: Config
current-context: axolotl-staging
contexts: [{name: axolotl-staging, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: %q, certificate-authority: ca.crt}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./get-token, interactiveMode: Never}}}]
`, s.URL)
	for file, content := range map[string]string{program: script, path: text, filepath.Join(dir, "ca.crt"): string(ca)} {
		if err := os.WriteFile(file, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

type world struct {
	cluster.Store
	t      *testing.T
	config string
}

var quiet = term.NewProgress(io.Discard, true)

func (w world) open(*vm.Cluster) (vm.Driver, error) { return existing.New(vm.Source{}), nil }

func (w world) up(name string) (*vm.Handle, error) {
	source := vm.Source{Kubeconfig: w.config, Context: name}
	return w.Up(w.t.Context(), cluster.UpOptions{
		Name: "staging", Source: &source, Open: w.open, Driver: existing.Name, Kubeconfig: w.config,
		Choose: func(context.Context) (vm.Driver, error) { return existing.New(source), nil },
	}, quiet)
}

func newWorld(t *testing.T, s *theirs) world {
	return world{cluster.Store{Home: store.Home{State: t.TempDir(), Cache: t.TempDir()}}, t, s.kubeconfig(t, t.TempDir())}
}

// Recorded, looked at and forgotten: nothing in the cluster is changed, and
// neither is the kubeconfig, though a context in it has the name of ours.
func TestNothingIsChanged(t *testing.T) {
	s := newTheirs(t)
	w := newWorld(t, s)
	before, err := os.ReadFile(w.config)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds it as asked
		h, err := w.up("axolotl-staging")
		if err != nil {
			t.Fatal(err)
		}
		if h.Cluster.Phase != vm.PhaseUp || len(h.Cluster.Machines) != 0 || !h.Driver.Traits().Foreign {
			t.Errorf("%+v", h.Cluster)
		}
	}
	status, err := w.Status(t.Context(), "staging", w.open)
	want := cluster.NodeStatus{Name: "ip-10-0-0-7", Role: vm.Worker, Machine: vm.MachineForeign, Ready: "True", Address: "10.0.0.7"}
	if err != nil || !status.Healthy || status.Server != s.URL || len(status.Nodes) != 1 || status.Nodes[0] != want {
		t.Errorf("%+v, %v", status, err)
	}
	s.mu.Lock()
	s.ready = "False"
	s.mu.Unlock()
	if status, err = w.Status(t.Context(), "staging", w.open); err != nil || status.Healthy || status.Nodes[0].Note != "it rests" {
		t.Errorf("with a node that is not Ready: %+v, %v", status, err)
	}
	_, err = w.Recreate(t.Context(), cluster.UpOptions{Name: "staging", Open: w.open}, quiet)
	if err == nil || !strings.Contains(err.Error(), "no machines of ours to recreate") {
		t.Errorf("recreate: %v", err)
	}
	if err := w.Down(t.Context(), "staging", cluster.DownOptions{Open: w.open, Kubeconfig: w.config}, quiet); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(w.Home.Clusters()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if after, err := os.ReadFile(w.config); err != nil || string(after) != string(before) {
		t.Errorf("the kubeconfig became %s, %v", after, err)
	}
	for _, request := range s.requests {
		if !strings.HasPrefix(request, "GET ") {
			t.Errorf("asked for: %s", request)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(w.config), "get-token.log")); err != nil {
		t.Error("the program was never asked for credentials")
	}
}

// A context that leads elsewhere by now is another cluster, and what was
// recorded stays.
func TestContextThatLeadsElsewhere(t *testing.T) {
	first, second := newTheirs(t), newTheirs(t)
	w := newWorld(t, first)
	if _, err := w.up("axolotl-staging"); err != nil {
		t.Fatal(err)
	}
	second.kubeconfig(t, filepath.Dir(w.config))
	_, err := w.up("axolotl-staging")
	if err == nil || !strings.Contains(err.Error(), second.URL+" now") || !strings.Contains(err.Error(), first.URL) {
		t.Errorf("error %v", err)
	}
	if status, err := w.Status(t.Context(), "staging", w.open); err != nil || status.Server != first.URL || !status.Healthy {
		t.Errorf("%+v, %v", status, err)
	}
	if _, err := w.up("another"); err == nil || !strings.Contains(err.Error(), `asked for: context "another"`) {
		t.Errorf("another context: %v", err)
	}
}

// What cannot be reached is told with what to do; down forgets it nevertheless.
func TestServerThatIsGone(t *testing.T) {
	s := newTheirs(t)
	w := newWorld(t, s)
	if _, err := w.up("nosuch"); err == nil || !strings.Contains(err.Error(), `no context "nosuch"`) {
		t.Errorf("error %v", err)
	}
	if all, _ := w.List(); len(all) > 0 {
		t.Errorf("recorded without a context: %+v", all)
	}
	s.Close()
	_, err := w.up("axolotl-staging")
	if err == nil || !strings.Contains(err.Error(), "does not answer") || !strings.Contains(err.Error(), "axolotl down staging") {
		t.Errorf("error %v", err)
	}
	if err := w.Down(t.Context(), "staging", cluster.DownOptions{Open: w.open}, quiet); err != nil {
		t.Error(err)
	}
}
