package chaos

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"axolotl/chaos/fault"
	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
	"axolotl/vm"
	"axolotl/vm/local/localtest"
)

// witness is an observer that shares nothing with ours: client-go's informers with a
// client of their own, its own reading of what they tell, and stamps that it takes
// itself. It notes when each pod was first seen ready and first seen leaving, and each
// node first seen not ready, and ready in another boot than it was in at first.
type witness struct {
	mu          sync.Mutex
	ready, left map[types.UID]time.Time
	boots       map[string]string
	missed      map[string]time.Time
	back        map[string]time.Time
}

// first notes the present instant, where none was noted.
func first[K comparable](seen map[K]time.Time, what K) {
	if _, known := seen[what]; !known {
		seen[what] = time.Now()
	}
}

func (w *witness) notePod(pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			first(w.ready, pod.UID)
		}
	}
	if pod.DeletionTimestamp != nil {
		first(w.left, pod.UID)
	}
}

func (w *witness) noteNode(node *corev1.Node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	boot := node.Status.NodeInfo.BootID
	if w.boots[node.Name] == "" {
		w.boots[node.Name] = boot
	}
	for _, c := range node.Status.Conditions {
		switch {
		case c.Type != corev1.NodeReady:
		case c.Status != corev1.ConditionTrue:
			first(w.missed, node.Name)
		case boot != w.boots[node.Name]:
			first(w.back, node.Name)
		}
	}
}

// tookFrom is how long it took from when a pod was leaving until another was ready.
func (w *witness) tookFrom(lost, by types.UID) time.Duration {
	return w.pod(w.ready, by).Sub(w.pod(w.left, lost))
}

func (w *witness) pod(seen map[types.UID]time.Time, uid types.UID) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return seen[uid]
}

func (w *witness) node(seen map[string]time.Time, name string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return seen[name]
}

// agrees holds what we say of an instant, from the fault on, to what the witness has
// seen. The fault's instant is that of whoever injects it.
func (*witness) agrees(t *testing.T, what string, ours time.Duration, struck, seen time.Time) {
	t.Helper()
	const tolerance = 250 * time.Millisecond // scheduling of two processes on a busy machine
	theirs := seen.Sub(struck)
	t.Logf("%s: we say %v, the witness %v", what, ours, theirs)
	if seen.IsZero() || ours <= 0 || (theirs-ours).Abs() > tolerance {
		t.Errorf("%s: we say %v, the witness %v", what, ours, theirs)
	}
}

func watchIndependently(t testing.TB, h *vm.Handle) *witness {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", h.Cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{
		ready: map[types.UID]time.Time{}, left: map[types.UID]time.Time{},
		boots: map[string]string{}, missed: map[string]time.Time{}, back: map[string]time.Time{},
	}
	note := func(object any) {
		switch o := object.(type) {
		case *corev1.Pod:
			w.notePod(o)
		case *corev1.Node:
			w.noteNode(o)
		}
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	for _, informer := range []cache.SharedIndexInformer{factory.Core().V1().Pods().Informer(), factory.Core().V1().Nodes().Informer()} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: note, UpdateFunc: func(_, object any) { note(object) },
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	factory.StartWithContext(t.Context())
	factory.WaitForCacheSyncWithContext(t.Context())
	return w
}

// cutAt is a power cut that notes when it was done.
type cutAt struct {
	fault.PowerCut
	at time.Time
}

func (f *cutAt) Inject(ctx context.Context, h *vm.Handle, objects []fault.Object) error {
	f.at = time.Now()
	return f.PowerCut.Inject(ctx, h, objects)
}

// TestNodeStampsAgree: a node's control plane misses it when the witness sees that, and
// has it back then, too.
func TestNodeStampsAgree(t *testing.T) {
	t.Parallel()
	h := localtest.Start(t, 2)
	w := watchIndependently(t, h)
	e, err := Open("node-power-cut")
	if err != nil {
		t.Fatal(err)
	}
	cut := &cutAt{}
	e.Probe, e.Seed, e.Fault = nil, 1, cut
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Healed || len(report.Nodes) != 1 {
		t.Fatalf("verdict %s (%s), nodes %+v", report.Verdict, report.Reason, report.Nodes)
	}
	lost := report.Nodes[0]
	seen := map[timeline.Milestone]time.Time{
		timeline.NotReady: w.node(w.missed, lost.Lost.Name), timeline.Ready: w.node(w.back, lost.Lost.Name),
	}
	for _, phase := range lost.Phases {
		if at, told := seen[phase.Name]; told {
			w.agrees(t, string(phase.Name), phase.To, cut.at, at)
		}
	}
	if !lost.Reached(timeline.NotReady) || !lost.Reached(timeline.Ready) {
		t.Errorf("phases %+v", lost.Phases)
	}
}

// TestClientGapAgrees: a client had no answer for as long as its server gave none, by the
// server's own stamps. At its pace it learns of either end an interval later at most,
// and of the last answer before it was sent.
func TestClientGapAgrees(t *testing.T) {
	t.Parallel()
	const good, bad, interval, tolerance = 20, 60, 10 * time.Millisecond, 50 * time.Millisecond
	var mu sync.Mutex
	var asked int
	var last, again time.Time // the good answers on both sides of the gap
	over := make(chan struct{})
	began := time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		switch {
		case asked <= good:
			last = time.Now()
		case asked <= good+bad:
			w.WriteHeader(http.StatusServiceUnavailable)
		case asked == good+bad+1:
			again = time.Now()
		case asked == 2*good+bad:
			close(over)
		}
	}))
	defer server.Close()
	c := startClient(t.Context(), timeline.NewLog(time.Now), probe.Settings{URL: server.URL, Interval: interval, Timeout: time.Second})
	<-over
	c.Stop()
	ours := probe.Summarize(c.settings, c.Requests(), began, time.Now()).LongestGap
	if theirs := again.Sub(last); (theirs - ours).Abs() > interval+tolerance {
		t.Errorf("no answer for: we say %v, the server %v", ours, theirs)
	}
}
