package chaos

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/internal/kube"
	"axolotl/vm"
)

// door is a way to an API server that is open or shut.
type door struct {
	next http.RoundTripper
	shut *atomic.Bool
	// asked counts the requests for the deployment that found it shut.
	asked *atomic.Int32
}

func (d door) RoundTrip(q *http.Request) (*http.Response, error) {
	if !d.shut.Load() {
		return d.next.RoundTrip(q)
	}
	if strings.Contains(q.URL.Path, "/deployments/pingapp") {
		d.asked.Add(1)
	}
	return nil, errors.New("connection refused")
}

// proven does something when its fault was proved.
type proven struct {
	fault.Fault
	then func()
}

func (f *proven) Injected(ctx context.Context, h *vm.Handle, objects []fault.Object) (string, error) {
	seen, err := f.Fault.Injected(ctx, h, objects)
	if err == nil {
		f.then()
	}
	return seen, err
}

// FAULTS.md 7: the API server is down when the fault is to be undone. It is tried again
// and again, then the run is loud about it and the record is kept, by which 'chaos undo'
// finishes when the API server is back.
func TestTheAPIServerIsDownAtTheUndo(t *testing.T) {
	t.Parallel()
	h := apart(t)
	standing(t, h, "down-at-undo", 2, nil)
	replicas := func() int32 {
		scale, err := h.Kube.Typed.AppsV1().Deployments("down-at-undo").GetScale(t.Context(), "pingapp", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return scale.Spec.Replicas
	}
	var shut atomic.Bool
	var asked atomic.Int32
	config := rest.CopyConfig(h.Kube.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return door{next, &shut, &asked} })
	client, err := kube.New(config)
	if err != nil {
		t.Fatal(err)
	}
	client.Mapper = h.Kube.Mapper
	behind := *h
	behind.Kube = client

	e := toZero(t)
	e.Target, e.HealWithin = Target{Namespace: "down-at-undo", Deployment: "pingapp", Count: 1}, time.Second
	e.Fault = &proven{e.Fault, func() { shut.Store(true) }}
	r := runner(t, &behind)
	r.undoWithin = 3 * time.Second
	report := r.Run(t.Context(), e)
	if report.Verdict != UndoFailed || report.ExitCode != 15 || report.Err() == nil {
		t.Errorf("verdict %s, exit code %d", report.Verdict, report.ExitCode)
	}
	if !strings.Contains(report.Reason, "connection refused") || !strings.Contains(report.Reason, "finish it with 'axolotl chaos undo --cluster "+h.Cluster.Name+"'") {
		t.Errorf("reason %q", report.Reason)
	}
	if n := asked.Load(); n < 4 {
		t.Errorf("it was tried %d times", n)
	}
	if n := replicas(); n != 0 {
		t.Errorf("%d replicas, though nothing could be undone", n)
	}
	open, err := Unfinished(h.Cluster)
	if err != nil || len(open) != 1 || open[0].ID != report.ID || open[0].Error == "" || open[0].Fault == nil || len(open[0].Objects) != 1 {
		t.Fatalf("the record: %+v, %v", open, err)
	}

	shut.Store(false)
	done, err := Recover(t.Context(), &behind, time.Now, quiet.Start("undo"))
	if err != nil || len(done) != 1 || done[0].ID != report.ID || done[0].State != journal.Undone {
		t.Errorf("undone %+v, %v", done, err)
	}
	if n := replicas(); n != 2 {
		t.Errorf("%d replicas after the undo", n)
	}
	if open, err := Unfinished(h.Cluster); err != nil || slices.ContainsFunc(open, func(e journal.Entry) bool { return e.ID == report.ID }) {
		t.Errorf("open still: %+v, %v", open, err)
	}
	leftNothing(t, h, report.ID)
}
