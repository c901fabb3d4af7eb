package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// line is a connection to an API server that breaks at one request and stays
// broken: for the server the process has died, or the network.
type line struct {
	next http.RoundTripper

	mu    sync.Mutex
	n     int
	at    int  // the request at which it breaks; 0 for none
	heard bool // the server gets that one, and only its answer is lost
}

var errBroken = errors.New("the line is broken")

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(request *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.n++
	n := l.n
	l.mu.Unlock()
	if l.at == 0 || n < l.at {
		return l.next.RoundTrip(request)
	}
	if n == l.at && l.heard {
		if response, err := l.next.RoundTrip(request); err == nil {
			response.Body.Close()
		}
	}
	return nil, errBroken
}

// over is a handle of the shared cluster over a line that breaks.
func over(t *testing.T, h *vm.Handle, at int, heard bool) (*vm.Handle, *line) {
	t.Helper()
	l := &line{at: at, heard: heard}
	return through(t, h, func(next http.RoundTripper) http.RoundTripper { l.next = next; return l }), l
}

// through is a handle of the shared cluster whose requests go another way.
func through(t *testing.T, h *vm.Handle, way transport.WrapperFunc) *vm.Handle {
	t.Helper()
	config := rest.CopyConfig(h.Kube.Config)
	config.Wrap(way)
	client, err := kube.New(config)
	must(t, err)
	client.Mapper = h.Kube.Mapper // what kinds there are is known
	return &vm.Handle{Cluster: h.Cluster, Driver: h.Driver, Kube: client}
}

// fresh is the target of a fault as it is now: pods are others each time, and
// what was made again has another UID.
func fresh(t *testing.T, h *vm.Handle, target Target) Target {
	t.Helper()
	if target.Kind != OnPods {
		resource, _, err := h.Kube.Resource(refOf(target).GroupVersionKind, target.Namespace)
		must(t, err)
		now, err := resource.Get(t.Context(), target.Name, metav1.GetOptions{})
		must(t, err)
		target.UID = now.GetUID()
		return target
	}
	await(t, "two pods run, and no third", func(ctx context.Context) error {
		pods, err := h.Kube.Typed.CoreV1().Pods(target.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=app"})
		if err != nil {
			return err
		}
		running := 0
		for _, p := range pods.Items {
			if p.DeletionTimestamp == nil && p.Status.Phase == corev1.PodRunning && metav1.GetControllerOf(&p) != nil {
				running++
				target.Name, target.UID = p.Name, p.UID
			}
		}
		if running != 2 || len(pods.Items) != 2 {
			return fmt.Errorf("%d of %d run", running, len(pods.Items))
		}
		return nil
	})
	return target
}

// apiFaults are those that are made by requests alone, but dns-outage, which has a test
// of its own.
func apiFaults() []Fault {
	return []Fault{
		&NodeCordon{}, &NodeDrain{Timeout: time.Minute}, &NodeTaint{Key: "axolotl.dev/chaos"},
		&PodDeletion{}, &PodEviction{Within: time.Minute}, &LabelTornOff{},
		&ImageBroken{Image: "axolotl.invalid/broken:0"}, &CrashLoop{ImageBroken{Image: crashingImage}}, &ScaleToZero{},
		&ConfigDeletion{config{OnConfigMaps}}, &ConfigDeletion{config{OnSecrets}},
		&ConfigAlteration{config: config{OnConfigMaps}, Value: "x"}, &ConfigAlteration{config: config{OnSecrets}, Value: "x"},
	}
}

// TestDieAtEveryStep breaks the line at each request of a fault, before the
// server hears of it and after, while it is injected and while it is undone.
// Another life, which knows what the journal holds, must leave all as it was.
// Those on nodes come first, alone.
func TestDieAtEveryStep(t *testing.T) {
	for _, f := range apiFaults() {
		t.Run(f.Name(), func(t *testing.T) {
			if f.Effect().On != OnNodes {
				t.Parallel()
			}
			h, targets := app(t)
			for _, heard := range []bool{true, false} {
				dieAtEveryRequest(t, h, f, targets[f.Effect().On], heard)
			}
		})
	}
}

// mostRequests ends a test whose fault goes on asking for ever.
const mostRequests = 60

func dieAtEveryRequest(t *testing.T, h *vm.Handle, f Fault, target Target, heard bool) {
	t.Helper()
	for at := 1; ; at++ { // while it is injected
		if at > mostRequests {
			t.Fatalf("it asks more than %d times", mostRequests)
		}
		now := fresh(t, h, target)
		before := spec(t, h, now)
		broken, l := over(t, h, at, heard)
		objects, err := f.Prepare(t.Context(), broken, []Target{now})
		if err == nil { // else nothing stands in the journal yet
			err = f.Inject(t.Context(), broken, objects)
		}
		if l.n < at && err == nil {
			undoneAnew(t, h, f, objects, before, fmt.Sprintf("none of %d requests broke", l.n))
			break
		}
		if err == nil && !heard {
			t.Errorf("request %d was lost, and nobody says so", at)
		}
		undoneAnew(t, h, f, objects, before, fmt.Sprintf("injection broke at request %d, heard %t", at, heard))
	}
	for at := 1; ; at++ { // while it is undone
		if at > mostRequests {
			t.Fatalf("it asks more than %d times", mostRequests)
		}
		now := fresh(t, h, target)
		before := spec(t, h, now)
		objects, err := f.Prepare(t.Context(), h, []Target{now})
		must(t, err)
		if err := f.Inject(t.Context(), h, objects); errors.Is(err, ErrNoTarget) {
			at-- // its controller had a pod too many, and took this one
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		broken, l := over(t, h, at, heard)
		err = f.Undo(t.Context(), broken, objects)
		undoneAnew(t, h, f, objects, before, fmt.Sprintf("the undo broke at request %d, heard %t", at, heard))
		if l.n < at && err == nil {
			break
		}
	}
}

// undoneAnew undoes in another life, twice, and holds the target to be as it
// was before.
func undoneAnew(t *testing.T, h *vm.Handle, f Fault, objects []Object, before, what string) {
	t.Helper()
	saved, err := SpecOf(f)
	must(t, err)
	again, err := saved.Fault()
	must(t, err)
	for range 2 {
		if err := again.Undo(t.Context(), h, objects); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if len(objects) == 0 {
		return
	}
	proof(t, h, objects, again.Undone)
	if f.Effect().On == OnPods { // pods are replaced, not restored
		return
	}
	await(t, what+", all is as before", func(context.Context) error {
		if now := spec(t, h, objects[0].Target); now != before {
			return fmt.Errorf("not as before:\n%s\n%s", before, now)
		}
		return nil
	})
}
