package observe

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"

	"axolotl/chaos/timeline"
)

// source is what a stream watches: one kind, in one namespace or all.
// client-go's cache.ListWatch has both.
type source interface {
	ListWithContext(ctx context.Context, options metav1.ListOptions) (runtime.Object, error)
	WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
}

// stream turns one list and watch into observations. A watch that ends is
// resumed from the last resource version that it told of, so that no change is
// lost; where the server has forgotten that version (410 Gone), all is listed
// anew and what is not there any more is seen as gone. Stamps are always those
// of arrival; what was told late says how late it may be.
type stream struct {
	kind   string
	source source
	log    *timeline.Log
	// seen and gone make the observation of an object; nil: nothing to note.
	seen  func(runtime.Object) *timeline.Observation
	gone  func(runtime.Object) *timeline.Observation
	spare bool // what it tells of can be done without, where one may not see it
	// gap is told of each time in which the watch was down.
	gap func(Gap)

	version string // resume from here; empty: list
	// known has what exists, and for each what will be noted where a list lacks
	// it. The object itself is not kept: a hundred runs watch a thousand nodes.
	known  map[types.UID]*timeline.Observation
	alive  time.Duration // when the watch was last known to work
	caught string        // up to this version events were missed at first
	late   time.Duration // ... and this is how late they are
}

// retryAfter is how long a stream waits where the server does not answer. It
// adds to how late a stamp may be, so it is short.
const retryAfter = 100 * time.Millisecond

// unnoticed is how long a connection may have been dead before client-go's
// health check ends its watch: 30 s until the ping, 15 s for its answer.
const unnoticed = 45 * time.Second

// open lists, so that the stream knows what exists.
func (s *stream) open(ctx context.Context) error {
	list, err := s.source.ListWithContext(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	return s.replace(list)
}

// run watches until ctx ends.
func (s *stream) run(ctx context.Context) {
	for first := true; ctx.Err() == nil; first = false {
		if !first && !s.catchUp(ctx) {
			wait(ctx, retryAfter)
			continue
		}
		w, err := s.source.WatchWithContext(ctx, metav1.ListOptions{ResourceVersion: s.version, AllowWatchBookmarks: true})
		if err != nil {
			s.failed(err)
			wait(ctx, retryAfter)
			continue
		}
		s.consume(ctx, w)
		w.Stop()
	}
}

// catchUp asks how far the server has come while the watch was down, and
// lists all where the watch cannot be resumed. It tells whether the server
// answered.
func (s *stream) catchUp(ctx context.Context) bool {
	options := metav1.ListOptions{}
	if s.version != "" {
		options.Limit = 1 // only its resource version is wanted
	}
	list, err := s.source.ListWithContext(ctx, options)
	if err != nil {
		return false
	}
	m, err := meta.ListAccessor(list)
	if err != nil {
		return false
	}
	now := s.log.Now()
	s.late, s.caught = now-s.alive, m.GetResourceVersion()
	s.gap(Gap{Kind: s.kind, From: s.alive, To: now})
	if s.version == "" {
		return s.replace(list) == nil
	}
	return true
}

// consume turns events into observations until the watch ends.
func (s *stream) consume(ctx context.Context, w watch.Interface) {
	heard := s.log.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case event, open := <-w.ResultChan():
			now := s.log.Now()
			if !open {
				s.alive = now // a closed connection is noticed at once
				return
			}
			if event.Type == watch.Error {
				s.alive = max(heard, now-unnoticed)
				s.failed(apierrors.FromObject(event.Object))
				return
			}
			heard, s.alive = now, now
			s.event(event)
		}
	}
}

// failed makes the next turn list anew where the version is too old.
func (s *stream) failed(err error) {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		s.version = ""
	}
}

func (s *stream) event(e watch.Event) {
	m, err := meta.Accessor(e.Object)
	if err != nil {
		return
	}
	s.version = m.GetResourceVersion()
	switch e.Type {
	case watch.Added, watch.Modified:
		s.known[m.GetUID()] = s.gone(e.Object)
		s.note(s.seen(e.Object), s.lateness())
	case watch.Deleted:
		delete(s.known, m.GetUID())
		s.note(s.gone(e.Object), s.lateness())
	}
}

// lateness is how late the event at the present version may be.
func (s *stream) lateness() time.Duration {
	if s.caught == "" {
		return 0
	}
	if order, err := resourceversion.CompareResourceVersion(s.version, s.caught); err == nil && order <= 0 {
		return s.late
	}
	s.caught = ""
	return 0
}

// replace takes a list as the truth: what it has is seen, and what it lacks
// is gone.
func (s *stream) replace(list runtime.Object) error {
	m, err := meta.ListAccessor(list)
	if err != nil {
		return err
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return err
	}
	before := s.known
	s.known = map[types.UID]*timeline.Observation{}
	for _, item := range items {
		im, err := meta.Accessor(item)
		if err != nil {
			return err
		}
		s.known[im.GetUID()] = s.gone(item)
		delete(before, im.GetUID())
	}
	for _, gone := range before {
		s.note(gone, s.late)
	}
	for _, item := range items {
		s.note(s.seen(item), s.late)
	}
	s.version, s.alive = m.GetResourceVersion(), s.log.Now()
	return nil
}

func (s *stream) note(o *timeline.Observation, late time.Duration) {
	if o == nil {
		return
	}
	o.Late = late
	s.log.Add(*o)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
