// Package observe watches a cluster and writes down what it sees and when:
// pods, endpoint slices, nodes, their leases and events, over watches that are resumed when
// they drop. It judges nothing; chaos/timeline does.
package observe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"axolotl/chaos/timeline"
	"axolotl/internal/bug"
)

// Gap is a time in which a watch was down. What it told of afterwards carries
// the gap as Late.
type Gap struct {
	Kind string        `json:"kind"`
	From time.Duration `json:"fromNs"`
	To   time.Duration `json:"toNs"`
}

// Observer is a set of open watches.
type Observer struct {
	log  *timeline.Log
	stop context.CancelFunc
	done sync.WaitGroup

	mu   sync.Mutex
	gaps []Gap
	bugs []error
}

// Open opens watches on a namespace's pods, endpoint slices and events, and
// on the nodes; with an empty namespace, on all of them everywhere. When it
// returns the state before the fault is in the log, and every later change
// will be. Close ends it.
func Open(ctx context.Context, client kubernetes.Interface, namespace string, log *timeline.Log) (*Observer, error) {
	return open(ctx, log, streams(client, namespace))
}

// OpenWithLeases does as Open, and watches the leases of nodes too, where one may:
// without that right it goes without.
func OpenWithLeases(ctx context.Context, client kubernetes.Interface, namespace string, log *timeline.Log) (*Observer, error) {
	return open(ctx, log, append(streams(client, namespace), leases(client)))
}

func open(ctx context.Context, log *timeline.Log, all []*stream) (*Observer, error) {
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	o := &Observer{log: log, stop: stop}
	for _, s := range all {
		s.log, s.known, s.gap = log, map[types.UID]*timeline.Observation{}, o.addGap
		err := s.open(ctx)
		if s.spare && apierrors.IsForbidden(err) {
			continue
		}
		if err != nil {
			o.Close()
			return nil, fmt.Errorf("watch %s: %w", s.kind, err)
		}
		o.done.Go(func() {
			defer func() { o.addBug(bug.Error(recover())) }()
			s.run(watching)
		})
	}
	return o, nil
}

// Close ends the watches and waits until nothing more is written down.
func (o *Observer) Close() {
	o.stop()
	o.done.Wait()
}

// Gaps returns the times in which a watch was down.
func (o *Observer) Gaps() []Gap {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.gaps)
}

// Err is not nil where a watch has ended by a bug of ours.
func (o *Observer) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(o.bugs...)
}

func (o *Observer) addBug(err error) {
	if err == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bugs = append(o.bugs, err)
}

func (o *Observer) addGap(g Gap) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gaps = append(o.gaps, g)
}

// leases are those of nodes. The list tells of no sign of life, only what changes
// afterwards does.
func leases(client kubernetes.Interface) *stream {
	renewed := map[string]metav1.MicroTime{}
	seen := func(object runtime.Object) *timeline.Observation {
		lease, ok := object.(*coordinationv1.Lease)
		if !ok || lease.Spec.RenewTime == nil {
			return nil
		}
		before, known := renewed[lease.Name]
		renewed[lease.Name] = *lease.Spec.RenewTime
		if !known || before.Equal(lease.Spec.RenewTime) {
			return nil
		}
		return &timeline.Observation{Lease: &timeline.Lease{Node: lease.Name}}
	}
	source := cache.NewListWatchFromClient(client.CoordinationV1().RESTClient(), "leases", corev1.NamespaceNodeLease, fields.Everything())
	return &stream{kind: "leases", source: source, seen: seen, gone: nothing, spare: true}
}

func streams(client kubernetes.Interface, namespace string) []*stream {
	from := func(getter cache.Getter, resource, namespace string) source {
		return cache.NewListWatchFromClient(getter, resource, namespace, fields.Everything())
	}
	core := client.CoreV1().RESTClient()
	return []*stream{
		{kind: "pods", source: from(core, "pods", namespace), seen: podSeen, gone: podGone},
		{kind: "endpoint slices", source: from(client.DiscoveryV1().RESTClient(), "endpointslices", namespace), seen: sliceSeen, gone: sliceGone},
		{kind: "nodes", source: from(core, "nodes", ""), seen: nodeSeen, gone: nodeGone},
		{kind: "events", source: from(core, "events", namespace), seen: eventSeen, gone: nothing},
	}
}
