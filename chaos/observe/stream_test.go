package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"axolotl/chaos/timeline"
)

// server is as much of an API server as a stream sees: a list, a history of
// changes, and watches that can be cut and refused.
type server struct {
	mu      sync.Mutex
	version int
	oldest  int // watches from before it are answered with 410
	pods    map[types.UID]*corev1.Pod
	history []watch.Event // each object carries its version
	watches []*watch.FakeWatcher
	down    bool
	refused int // calls answered while down
}

func newServer() *server { return &server{pods: map[types.UID]*corev1.Pod{}} }

var errDown = errors.New("connection refused")

func (s *server) ListWithContext(_ context.Context, options metav1.ListOptions) (runtime.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		s.refused++
		return nil, errDown
	}
	list := &corev1.PodList{}
	list.ResourceVersion = strconv.Itoa(s.version)
	for _, p := range s.pods {
		if options.Limit > 0 && len(list.Items) == int(options.Limit) {
			break
		}
		list.Items = append(list.Items, *p)
	}
	return list, nil
}

func (s *server) WatchWithContext(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errDown
	}
	from, _ := strconv.Atoi(options.ResourceVersion)
	w := watch.NewFakeWithChanSize(100, false)
	if from < s.oldest {
		w.Error(&metav1.Status{Status: metav1.StatusFailure, Reason: metav1.StatusReasonExpired, Code: http.StatusGone})
		return w, nil
	}
	for _, e := range s.history {
		if v, _ := strconv.Atoi(e.Object.(*corev1.Pod).ResourceVersion); v > from {
			w.Action(e.Type, e.Object)
		}
	}
	s.watches = append(s.watches, w)
	return w, nil
}

func (s *server) change(kind watch.EventType, uid string, ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	p := &corev1.Pod{}
	p.UID, p.Name, p.ResourceVersion = types.UID(uid), uid, strconv.Itoa(s.version)
	if ready {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	s.pods[p.UID] = p
	if kind == watch.Deleted {
		delete(s.pods, p.UID)
	}
	e := watch.Event{Type: kind, Object: p}
	s.history = append(s.history, e)
	for _, w := range s.watches {
		w.Action(e.Type, e.Object)
	}
}

// cut ends every watch; with down, nothing is answered until up.
func (s *server) cut(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watches {
		w.Stop()
	}
	s.watches, s.down, s.refused = nil, down, 0
}

func (s *server) up(forget bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
	if forget {
		s.oldest = s.version
	}
}

func (s *server) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// open starts an observer of the server's pods; it ends with the test.
func (s *server) open(t *testing.T) (*Observer, *timeline.Log) {
	t.Helper()
	log := timeline.NewLog(time.Now)
	o, err := open(t.Context(), log, []*stream{{kind: "pods", source: s, seen: podSeen, gone: podGone}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o, log
}

// story writes what was seen as "a+ a- gone:a", + for ready; ~ marks what may
// be late.
func story(log *timeline.Log) string {
	var words []string
	for _, o := range log.Entries() {
		word := "gone:" + string(o.PodGone)
		if o.Pod != nil {
			word = string(o.Pod.UID) + map[bool]string{true: "+", false: "-"}[o.Pod.Ready]
		}
		if o.Late > 0 {
			word = "~" + word
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// eventually waits until the log tells a story.
func eventually(t *testing.T, log *timeline.Log, want string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for story(log) != want {
		select {
		case <-log.Changed():
		case <-deadline:
			t.Fatalf("saw  %s\nwant %s", story(log), want)
		}
	}
}

func TestDroppedWatchLosesNothing(t *testing.T) {
	s := newServer()
	s.change(watch.Added, "a", true)
	o, log := s.open(t)
	s.change(watch.Modified, "a", false)
	eventually(t, log, "a+ a-")

	s.cut(true)
	s.change(watch.Added, "b", false)
	s.change(watch.Modified, "b", true)
	s.change(watch.Deleted, "a", false)
	s.up(false)
	eventually(t, log, "a+ a- ~b- ~b+ ~gone:a")
	s.change(watch.Modified, "b", false)
	eventually(t, log, "a+ a- ~b- ~b+ ~gone:a b-")
	if gaps := o.Gaps(); len(gaps) != 1 || gaps[0].To <= gaps[0].From {
		t.Errorf("gaps %v, want one", gaps)
	}
}

func TestForgottenVersionIsListedAnew(t *testing.T) {
	s := newServer()
	s.change(watch.Added, "a", true)
	s.change(watch.Added, "b", true)
	_, log := s.open(t)
	eventually(t, log, story(log))
	before := story(log)

	s.cut(true)
	s.change(watch.Deleted, "a", false)
	s.change(watch.Modified, "b", false)
	s.up(true)
	eventually(t, log, before+" ~gone:a ~b-")
	s.change(watch.Added, "c", false)
	eventually(t, log, before+" ~gone:a ~b- c-")
}

func TestStreamOutlivesAnAbsentServer(t *testing.T) {
	s := newServer()
	o, log := s.open(t)
	s.cut(true)
	err := waitFor(t.Context(), func() bool { return s.calls() >= 2 })
	if err != nil {
		t.Fatal(err)
	}
	s.change(watch.Added, "a", true)
	s.up(false)
	eventually(t, log, "~a+")
	if gaps := o.Gaps(); gaps[0].To-gaps[0].From < retryAfter {
		t.Errorf("gap %v is shorter than it was", gaps[0])
	}
}

func TestOpenFailsWhereNothingAnswers(t *testing.T) {
	s := newServer()
	s.cut(true)
	_, err := open(t.Context(), timeline.NewLog(time.Now), []*stream{{kind: "pods", source: s, seen: podSeen, gone: podGone}})
	if !errors.Is(err, errDown) {
		t.Errorf("error %v, want %v", err, errDown)
	}
}

func waitFor(ctx context.Context, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within 10 s: %w", ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// A bug in what is made of an object ends its watch and not the process, and is told.
func TestBugEndsTheWatch(t *testing.T) {
	s := newServer()
	log := timeline.NewLog(time.Now)
	o, err := open(t.Context(), log, []*stream{{kind: "pods", source: s, seen: func(runtime.Object) *timeline.Observation { panic("a slip of ours") }, gone: podGone}})
	if err != nil {
		t.Fatal(err)
	}
	if o.Err() != nil {
		t.Errorf("before: %v", o.Err())
	}
	s.change(watch.Added, "a", true)
	o.done.Wait() // its watch ends by itself
	if err := o.Err(); err == nil || !strings.Contains(err.Error(), "a slip of ours") {
		t.Errorf("after: %v", err)
	}
	o.Close()
}

// A lease that was there tells nothing, one that is renewed is a sign of life, and
// where one may not see them nothing is amiss.
func TestLeases(t *testing.T) {
	lease := func(name string, second int) *coordinationv1.Lease {
		l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}}
		l.Spec.RenewTime = &metav1.MicroTime{Time: time.Unix(int64(second), 0)}
		return l
	}
	seen := leases(kubernetes.New(nil)).seen
	for i, step := range []struct {
		lease *coordinationv1.Lease
		sign  bool
	}{
		{lease("n1", 1), false}, {lease("n2", 1), false}, {lease("n1", 11), true}, {lease("n1", 11), false}, {lease("n2", 12), true},
		{&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}, false}, // its holder let go
	} {
		o := seen(step.lease)
		if (o != nil) != step.sign || o != nil && o.Lease.Node != step.lease.Name {
			t.Errorf("step %d: %+v", i, o)
		}
	}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "leases"}, "", nil)
	for _, spare := range []bool{true, false} {
		o, err := open(t.Context(), timeline.NewLog(time.Now), []*stream{{kind: "leases", source: refusing{forbidden}, spare: spare}})
		if (err == nil) != spare {
			t.Errorf("without the right: %v", err)
		}
		if err == nil {
			o.Close()
		}
	}
}

// refusing is a source that may not be seen.
type refusing struct{ err error }

func (r refusing) ListWithContext(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return nil, r.err
}

func (r refusing) WatchWithContext(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return nil, r.err
}
