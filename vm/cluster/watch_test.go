package cluster

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"axolotl/vm"
)

// fakeMachine is a driver of clusters of one machine, whose state a test says.
type fakeMachine struct {
	vm.Driver // of the rest nobody asks
	told      chan vm.MachineStatus

	mu    sync.Mutex
	state vm.MachineState
}

func (d *fakeMachine) Traits() vm.Traits { return vm.Traits{RealMachines: true} }

func (d *fakeMachine) become(state vm.MachineState) {
	d.mu.Lock()
	d.state = state
	d.mu.Unlock()
	d.told <- vm.MachineStatus{Name: "cp-1", State: state}
}

func (d *fakeMachine) Machines(context.Context, *vm.Cluster) ([]vm.MachineStatus, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return []vm.MachineStatus{{Name: "cp-1", State: d.state}}, nil
}

func (d *fakeMachine) Watch(context.Context, *vm.Cluster) (<-chan vm.MachineStatus, error) {
	return d.told, nil
}

// fakeAPI is an API server with one Ready node that falls silent, and speaks
// again, as a test says. Its kubeconfig is written to path.
func fakeAPI(t *testing.T, path string) (silence *atomic.Bool) {
	t.Helper()
	silence = &atomic.Bool{}
	list := corev1.NodeList{
		TypeMeta: metav1.TypeMeta{Kind: "NodeList", APIVersion: "v1"},
		Items: []corev1.Node{{
			ObjectMeta: metav1.ObjectMeta{Name: "cp-1"},
			Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
		}},
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if watch := r.URL.Query().Get("watch"); watch != "" {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		if silence.Load() {
			<-r.Context().Done()
			return
		}
		if err := json.NewEncoder(w).Encode(list); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{
		Server:                   server.URL,
		CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	}
	config.Contexts["c"] = &clientcmdapi.Context{Cluster: "c"}
	config.CurrentContext = "c"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return silence
}

// The pause of the only control plane is shown before its API server has not
// answered; that it does not is said afterwards, and taken back when it does.
func TestWatchShowsMachinesAtOnce(t *testing.T) {
	s := testStore(t)
	c := &vm.Cluster{Name: "c", ID: "1", Phase: vm.PhaseUp, Dir: s.Home.Cluster("c"), Machines: []vm.Machine{{Name: "cp-1", Role: vm.ControlPlane, Index: 1}}}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	silence := fakeAPI(t, c.Kubeconfig())
	if err := s.Save(c); err != nil {
		t.Fatal(err)
	}
	driver := &fakeMachine{told: make(chan vm.MachineStatus, 10), state: vm.MachineRunning}
	shown := make(chan *Status, 100)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
		ended <- s.Watch(ctx, "c", open, func(status *Status) error { shown <- status; return nil })
	}()
	until := func(what string, is func(*Status) bool) *Status {
		t.Helper()
		for {
			select {
			case status := <-shown:
				if is(status) {
					return status
				}
			case err := <-ended:
				t.Fatalf("it ended: %v", err)
			case <-t.Context().Done():
				t.Fatalf("never shown: %s", what)
			}
		}
	}
	healthy := func(status *Status) bool { return status.Healthy && status.Nodes[0].Ready == "True" }
	until("healthy", healthy)

	silence.Store(true)
	driver.become(vm.MachinePaused)
	paused := until("paused", func(status *Status) bool { return status.Nodes[0].Machine == vm.MachinePaused })
	if paused.API != "ready" || paused.Healthy {
		t.Errorf("the pause was shown with %+v; want it before the API server's silence", paused)
	}
	until("silent", func(status *Status) bool {
		n := status.Nodes[0]
		return strings.Contains(status.API, "no answer within 2s") && n.Machine == vm.MachinePaused && n.Ready == "-" && n.Note == silent
	})

	// Nobody tells that it speaks again: it is asked.
	driver.become(vm.MachineRunning)
	until("running", func(status *Status) bool {
		return status.Nodes[0].Machine == vm.MachineRunning && status.Nodes[0].Ready == "-"
	})
	silence.Store(false)
	until("healthy again", healthy)
	cancel()
	<-ended
}
