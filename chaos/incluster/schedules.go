package incluster

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"go.uber.org/zap"

	"axolotl/chaos/schedule"
	"axolotl/internal/kube"
)

// Schedules are the schedules in one namespace, and what has become of each:
// serve.Schedules and serve.History in one. What it lists is what a watch has
// told; what counts it asks for, and writes so that nobody else has meanwhile.
type Schedules struct {
	objects  dynamic.ResourceInterface
	informer cache.SharedIndexInformer
	identity string
	log      *zap.Logger
	now      func() time.Time

	mu    sync.Mutex
	begun map[int64]claim // by the ID that BeginFiring gave
	last  int64
}

// claim is a firing that this process has begun.
type claim struct {
	schedule string
	due      time.Time
}

// patience is how long the API server may take for one answer.
const patience = 10 * time.Second

// NewSchedules returns the schedules in a namespace, for the replica with this
// identity. Follow must run beside whatever uses them.
func NewSchedules(client *kube.Client, namespace, identity string, log *zap.Logger) *Schedules {
	informer := dynamicinformer.NewFilteredDynamicInformer(client.Dynamic, resource, namespace, 0, cache.Indexers{}, nil)
	return &Schedules{
		objects: client.Dynamic.Resource(resource).Namespace(namespace), informer: informer.Informer(),
		identity: identity, log: log, now: time.Now, begun: map[int64]claim{},
	}
}

// Check asks once whether schedules can be read at all.
func (s *Schedules) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := s.objects.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return fmt.Errorf("schedules cannot be read: %w; apply what 'axolotl serve --in-cluster --manifests' prints", err)
	}
	return nil
}

// Follow watches the schedules until ctx ends.
func (s *Schedules) Follow(ctx context.Context) { s.informer.RunWithContext(ctx) }

// Synced waits until all schedules that there are were seen.
func (s *Schedules) Synced(ctx context.Context) bool {
	return cache.WaitForCacheSync(ctx.Done(), s.informer.HasSynced)
}

// Settle brings each status up to date when its spec, or what became of it, has
// changed. It is for the leader, until ctx ends.
func (s *Schedules) Settle(ctx context.Context) error {
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	add := func(obj any) {
		if raw, ok := obj.(*unstructured.Unstructured); ok {
			queue.Add(raw.GetName())
		}
	}
	// NOTE: the handler is told of all that there are, first of all.
	handler, err := s.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, obj any) { add(obj) }})
	if err != nil {
		return err
	}
	defer s.informer.RemoveEventHandler(handler) //nolint:errcheck // the informer ends, too
	stop := context.AfterFunc(ctx, queue.ShutDown)
	defer stop()
	for {
		name, ended := queue.Get()
		if ended {
			return nil
		}
		err := s.update(ctx, name, func(*object) error { return nil })
		if err != nil && ctx.Err() == nil {
			s.log.Warn("the status of a schedule is not up to date", zap.String("schedule", name), zap.Error(err))
			queue.AddRateLimited(name)
		} else {
			queue.Forget(name)
		}
		queue.Done(name)
	}
}

// update changes the status of one schedule as it is now, however often it
// takes to do so on the latest. One that is gone is an error that IsNotFound.
func (s *Schedules) update(ctx context.Context, name string, change func(*object) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return kube.RetryOnConflict(func() error {
		raw, err := s.objects.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		o, err := read(raw)
		if err != nil {
			return err
		}
		before, err := plain(o.status)
		if err != nil {
			return err
		}
		if err := change(o); err != nil {
			return err
		}
		o.settle(s.now())
		o.tell()
		after, err := plain(o.status)
		if err != nil || reflect.DeepEqual(before, after) {
			return err
		}
		raw.Object["status"] = after
		_, err = s.objects.UpdateStatus(ctx, raw, metav1.UpdateOptions{})
		return err
	})
}

// plain is a status as an unstructured object holds it.
func plain(status Status) (map[string]any, error) {
	text, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	return fields, json.Unmarshal(text, &fields)
}

// known are the objects that the watch has told of, by name.
func (s *Schedules) known() []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, obj := range s.informer.GetStore().List() {
		all = append(all, obj.(*unstructured.Unstructured))
	}
	slices.SortFunc(all, func(a, b *unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all
}

// List implements serve.Schedules.
func (s *Schedules) List() ([]*schedule.Record, error) {
	all := []*schedule.Record{}
	for _, raw := range s.known() {
		o, err := read(raw)
		if err != nil {
			all = append(all, &schedule.Record{Schedule: schedule.Schedule{Name: raw.GetName()}, Broken: err.Error()})
			continue
		}
		all = append(all, o.record())
	}
	return all, nil
}

// Fingerprint implements serve.Schedules.
func (s *Schedules) Fingerprint() (uint64, error) {
	hash := fnv.New64a()
	for _, raw := range s.known() {
		status, _, _ := unstructured.NestedMap(raw.Object, "status") // none is none
		fmt.Fprintln(hash, raw.GetName(), raw.GetUID(), raw.GetGeneration(), status["observedGeneration"], status["since"], status["paused"])
	}
	return hash.Sum64(), nil
}

// Change implements serve.Schedules. All that can be changed is that it is
// paused: the rest is for those who own the object.
func (s *Schedules) Change(name string, change func(*schedule.Record) (changed bool)) (*schedule.Record, error) {
	var record *schedule.Record
	err := s.update(context.Background(), name, func(o *object) error {
		record = o.record()
		if change(record) && record.Paused != nil {
			o.status.Paused = &Paused{At: record.Paused.At.UTC(), Reason: short(record.Paused.Reason)}
		}
		return nil
	})
	if apierrors.IsNotFound(err) {
		return nil, &schedule.NotFoundError{Name: name}
	}
	return record, err
}
